package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type auditShowOptions struct {
	*app

	id string
}

func newAuditShowCmd(a *app, run func(context.Context, *auditShowOptions) error) *cobra.Command {
	o := &auditShowOptions{app: a}
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show one change, with what was before and after",
		Example: `  inboxctl audit show 12`,
		Args:    takes("the ID of the entry"),
		RunE:    does(o, run, runAuditShow, &o.id),
	}
}

func runAuditShow(ctx context.Context, o *auditShowOptions) error {
	if n, err := strconv.ParseInt(o.id, 10, 64); err != nil || n <= 0 {
		return usagef("%q is not the id of an audit entry: ids are numbers", o.id)
	}
	return showOne(o.app, auditText, func(c *admin.Client) (admin.One[admin.AuditEntry], error) { return c.AuditEntry(ctx, o.id) })
}

func auditText(b *bytes.Buffer, e admin.AuditEntry, asOf time.Time) {
	pairs := []pair{
		{"entry", e.ID},
		{"when", agoText(&e.At, asOf)},
		{"at", e.At.Format(time.RFC3339)},
		{"who", e.Actor},
		{"from", e.Source},
		{"what", e.Action},
		{"on", e.Target},
		{"org", maybe(e.Org)},
		{"reason", maybe(e.Reason)},
		{"outcome", e.Outcome},
	}
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		value, err := json.Marshal(e.Detail[name])
		if err != nil {
			continue // It came from JSON.
		}
		pairs = append(pairs, pair{name, string(value)})
	}
	writePairs(b, append(pairs, pair{"request", e.RequestID}, pair{"hash", e.Hash})...)
}
