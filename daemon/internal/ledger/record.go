package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/control"
)

// What the audit trail says of what operators set.

func holdsTarget(holds []control.Hold) string {
	ids := make([]string, len(holds))
	for i, h := range holds {
		ids[i] = strconv.FormatInt(h.ID, 10)
	}
	if len(ids) == 1 {
		return "hold " + ids[0]
	}
	return "holds " + strings.Join(ids, ", ")
}

func heldDetail(h control.Hold) map[string]any {
	d := map[string]any{"id": strconv.FormatInt(h.ID, 10), "owner": h.Owner}
	if h.Queue != 0 {
		d["queue"] = h.Queue.String()
	}
	if h.Type != 0 {
		d["type"] = h.Type.String()
	}
	if !h.ExpiresAt.IsZero() {
		d["expires_at"] = h.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return d
}

// releasedRecord is empty where nothing was released. The holds are those of one
// org, or of queues.
func releasedRecord(released []control.Hold) audit.Record {
	if len(released) == 0 {
		return audit.Record{}
	}
	var before []map[string]any
	for _, h := range released {
		before = append(before, heldDetail(h))
	}
	return audit.Record{OrgID: released[0].OrgID, Target: holdsTarget(released), Before: before}
}

// limitsRecord reads what the org had set of the same names. The limits are
// those of one org.
func limitsRecord(ctx context.Context, tx pgx.Tx, limits []control.Limit, lasts time.Duration) (audit.Record, error) {
	var names []string
	for _, l := range limits {
		names = append(names, l.Name)
	}
	orgID := limits[0].OrgID
	rows, err := tx.Query(ctx, `SELECT `+limitColumns+` FROM org_limits WHERE org_id = $1 AND name = ANY($2)`, orgID, names)
	if err != nil {
		return audit.Record{}, err
	}
	before, err := pgx.CollectRows(rows, scanLimit)
	after := limitsDetail(limits)
	if lasts > 0 {
		for _, d := range after {
			d["lasts_ms"] = lasts.Milliseconds()
		}
	}
	return audit.Record{OrgID: orgID, Target: limitsTarget(limits), Before: limitsDetail(before), After: after}, err
}

func limitsTarget(limits []control.Limit) string {
	var names []string
	for _, l := range limits {
		if !slices.Contains(names, l.Name) {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return fmt.Sprintf("limits %s", strings.Join(names, ", "))
}

func limitsDetail(limits []control.Limit) []map[string]any {
	all := []map[string]any{}
	for _, l := range limits {
		d := map[string]any{"name": l.Name, "value": l.Value}
		if l.Window != 0 {
			d["window_ms"] = l.Window.Milliseconds()
		}
		if !l.ExpiresAt.IsZero() {
			d["expires_at"] = l.ExpiresAt.UTC().Format(time.RFC3339)
		}
		all = append(all, d)
	}
	return all
}
