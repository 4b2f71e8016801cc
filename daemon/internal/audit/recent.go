package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Recent chooses entries for a feed, in which they are events with the id "a" and
// their own. Zero fields choose all.
type Recent struct {
	After        int64 // only ids above: entries commit in the order of their ids
	Since, Until time.Time
	BeforeAt     time.Time // only what comes before the event of this time ...
	BeforeID     string    // ... and id
	OrgIDs       []int64   // what concerns them, and what holds for all orgs
	Queues       []string  // what names one of them, or none
	Types        []string
	Limit        int
}

// forAll are the actions of no org that every org feels.
func forAll() []string { return []string{"holds.add", "holds.release", "queues.dial"} }

// ForAll reports whether every org feels an action that is of no org.
func ForAll(action string) bool { return slices.Contains(forAll(), action) }

// Where the detail of an entry has a queue or a type: what was set, or what the
// released hold had.
const (
	entryQueue = `coalesce(a.detail #>> '{after,queue}', a.detail #>> '{before,0,queue}', substring(a.target FROM '^queue (.*)$'))`
	entryType  = `coalesce(a.detail #>> '{after,type}', a.detail #>> '{before,0,type}')`
)

// Concerns is the queue and the job type that a change is about, empty if it is
// about none: entryQueue and entryType for who has the entry in hand.
func Concerns(e inbox.AuditEntry) (queue, kind string) {
	type about struct {
		Queue string `json:"queue"`
		Type  string `json:"type"`
	}
	var detail struct {
		Before json.RawMessage `json:"before"`
		After  json.RawMessage `json:"after"`
	}
	var after about
	before := []about{{}}
	// What is of another shape says nothing of either.
	_ = json.Unmarshal(e.Detail, &detail)
	_ = json.Unmarshal(detail.After, &after)
	if json.Unmarshal(detail.Before, &before) != nil || len(before) == 0 {
		before = []about{{}}
	}
	target, named := strings.CutPrefix(e.Target, "queue ")
	if !named {
		target = ""
	}
	return cmp.Or(after.Queue, before[0].Queue, target), cmp.Or(after.Type, before[0].Type)
}

// Queue puts the question into a batch of its caller, whose snapshot the feed is
// of. The newest come first.
func (r Recent) Queue(b *pgx.Batch, each func(inbox.AuditEntry)) {
	args, where := []any{r.Limit}, []string{"true"}
	add := func(given bool, condition string, values ...any) {
		if !given {
			return
		}
		var numbers []any
		for _, v := range values {
			args = append(args, v)
			numbers = append(numbers, len(args))
		}
		where = append(where, fmt.Sprintf(condition, numbers...))
	}
	add(r.After != 0, "a.id > $%d::bigint", r.After)
	add(!r.Since.IsZero(), "a.at > $%d", r.Since)
	add(!r.Until.IsZero(), "a.at < $%d", r.Until)
	add(!r.BeforeAt.IsZero(), "a.at <= $%[1]d AND (a.at, ('a' || a.id) COLLATE \"C\") < ($%[1]d, $%[2]d)", r.BeforeAt, r.BeforeID)
	add(len(r.OrgIDs) > 0, "(a.org_id = ANY($%d::bigint[]) OR (a.org_id IS NULL AND a.action = ANY($%d::text[])))", r.OrgIDs, forAll())
	add(len(r.Queues) > 0, "coalesce("+entryQueue+" = ANY($%d::text[]), true)", r.Queues)
	add(len(r.Types) > 0, "coalesce("+entryType+" = ANY($%d::text[]), true)", r.Types)
	b.Queue(selectSQL+strings.Join(where, " AND ")+` ORDER BY a.at DESC, ('a' || a.id) COLLATE "C" DESC LIMIT $1::bigint`, args...).Query(func(rows pgx.Rows) error {
		entries, err := pgx.CollectRows(rows, scanEntry)
		for _, e := range entries {
			each(e)
		}
		return err
	})
}
