package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const (
	// feedPage bounds one look at what has happened.
	feedPage = 1000
	// feedOverlap is how long the deaths of processes, which carry no transaction,
	// are looked at again: their time is taken before it commits.
	feedOverlap = 5 * time.Second
	// feedLate is how long before the last look an event can have happened that it
	// did not show: the transaction was open for so long. What a dump brought and
	// nobody has adopted is older, soon.
	feedLate = time.Hour
)

const (
	eventID      = `('j' || e.job_id || '.' || e.epoch || '.' || e.kind)`
	eventColumns = `e.kind, ` + eventID + `, e.job_id, e.attempt::int, coalesce(o.name, ''), e.queue, e.job_type, coalesce(e.error_class, ''), e.error_code,
       coalesce(e.error_text, ''), coalesce(w.host || ':' || w.pid, ''), e.at`
)

// feedSQL reads what had not been committed in an earlier snapshot: each row
// once, however late its transaction ends. The index of transactions finds it: a
// bitmap of everything since a time would be read whole each time.
const feedSQL = `
SELECT ` + eventColumns + `
FROM job_events e LEFT JOIN orgs o ON o.id = e.org_id LEFT JOIN workers w ON w.id = e.worker_id
WHERE e.kind IN (1, 2, 3) AND e.tx >= pg_snapshot_xmin($2::pg_snapshot) AND NOT pg_visible_in_snapshot(e.tx, $2::pg_snapshot)
  AND %s ORDER BY e.at DESC LIMIT $1`

// pastSQL reads the newest of what happened since a time, in the order of all
// events.
const pastSQL = `
SELECT ` + eventColumns + `
FROM (SELECT * FROM %[2]s e WHERE e.kind IN (1, 2, 3) AND e.at > $2::timestamptz AND %[1]s ORDER BY e.at DESC, ` + eventID + ` COLLATE "C" DESC LIMIT $1) e
LEFT JOIN orgs o ON o.id = e.org_id LEFT JOIN workers w ON w.id = e.worker_id`

const deathsSQL = `
SELECT 'w' || e.id, e.dead_at, e.host || ':' || e.pid, e.mode || ' ' || e.version
FROM workers e WHERE e.dead_at > $2 AND %s ORDER BY e.dead_at DESC, ('w' || e.id) COLLATE "C" DESC LIMIT $1`

// Feed returns what has happened since a cursor, oldest first, and where to go on.
// Of more than it gives at once it gives the newest, and says so in an event. The
// death of a process may come twice, under the same id.
func (l *Ledger) Feed(ctx context.Context, from inspect.FeedCursor, f inspect.FeedFilter) (events []inspect.Event, next inspect.FeedCursor, err error) {
	next = from
	past := inspect.PastFilter{FeedFilter: f, Since: from.At, Limit: feedPage + 1}
	err = l.inSnapshot(ctx, &events, func(b *pgx.Batch) {
		b.Queue(`SELECT pg_current_snapshot()::text, clock_timestamp(), (SELECT id FROM audit_head)`).QueryRow(func(row pgx.Row) error {
			return row.Scan(&next.Snapshot, &next.At, &next.Entry)
		})
		if from.Snapshot == "" {
			queuePast(b, past, &events)
			return
		}
		c := conditions{args: []any{past.Limit, from.Snapshot}}
		c.add("e.at >= $%d::timestamptz", from.At.Add(-feedLate))
		c.addFeed(f)
		b.Queue(`SELECT set_config('enable_bitmapscan', 'off', true)`)
		b.Queue(fmt.Sprintf(feedSQL, c.where()), c.args...).Query(func(rows pgx.Rows) error { return readFeed(rows, &events) })
		recent := recentOf(past)
		recent.After, recent.Since = from.Entry, time.Time{}
		recent.Queue(b, func(e inbox.AuditEntry) { events = append(events, changeEvent(e)) })
		past.Since = from.At.Add(-feedOverlap)
		queueDeaths(b, past, &events)
	})
	if err != nil {
		return nil, from, err
	}
	slices.Reverse(events)
	if n := len(events) - feedPage; n > 0 {
		missed := inspect.Event{ID: "m" + strconv.FormatInt(next.At.UnixMilli(), 10), What: inspect.EventMissed, At: events[n].At, Text: "more happened than is shown: see `inboxctl events --since` or `inboxctl jobs groups`"}
		events = append([]inspect.Event{missed}, events[n:]...)
	}
	return events, next, nil
}

// Past returns a page of what has happened, newest first.
func (l *Ledger) Past(ctx context.Context, f inspect.PastFilter) (events []inspect.Event, err error) {
	err = l.inSnapshot(ctx, &events, func(b *pgx.Batch) { queuePast(b, f, &events) })
	return events[:min(len(events), f.Limit)], err
}

// inSnapshot asks all questions of one moment, and puts the answers together,
// newest first.
func (l *Ledger) inSnapshot(ctx context.Context, events *[]inspect.Event, ask func(*pgx.Batch)) error {
	err := pgx.BeginTxFunc(ctx, l.reads, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		ask(b)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("read what has happened: %w", err)
	}
	slices.SortFunc(*events, func(a, b inspect.Event) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID)) })
	return nil
}

func queuePast(b *pgx.Batch, f inspect.PastFilter, events *[]inspect.Event) {
	c := conditions{args: []any{f.Limit, f.Since}}
	c.addFeed(f.FeedFilter)
	c.addPlace(f, "e.at", eventID)
	b.Queue(fmt.Sprintf(pastSQL, c.where(), pastSource(f)), c.args...).Query(func(rows pgx.Rows) error { return readFeed(rows, events) })
	recentOf(f).Queue(b, func(e inbox.AuditEntry) { *events = append(*events, changeEvent(e)) })
	queueDeaths(b, f, events)
}

// pastSource is where a page is read from. The newest of everything is among what
// the newest transactions wrote: a flood of failures is not sorted for it.
func pastSource(f inspect.PastFilter) string {
	if len(f.OrgIDs) > 0 || len(f.Queues) > 0 || len(f.Types) > 0 || !f.Until.IsZero() || f.Before != (inspect.EventKey{}) {
		return "job_events"
	}
	return "(SELECT * FROM job_events ORDER BY tx DESC LIMIT " + strconv.Itoa(sampleSize) + ")"
}

func queueDeaths(b *pgx.Batch, f inspect.PastFilter, events *[]inspect.Event) {
	if f.NoProcesses {
		return
	}
	c := conditions{args: []any{f.Limit, f.Since}}
	c.addPlace(f, "e.dead_at", "('w' || e.id)")
	b.Queue(fmt.Sprintf(deathsSQL, c.where()), c.args...).Query(func(rows pgx.Rows) error {
		e := inspect.Event{What: inspect.EventLost}
		_, err := pgx.ForEachRow(rows, []any{&e.ID, &e.At, &e.Process, &e.Text}, func() error { *events = append(*events, e); return nil })
		return err
	})
}

func (c *conditions) addFeed(f inspect.FeedFilter) {
	if len(f.OrgIDs) > 0 {
		c.add("e.org_id = ANY($%d::bigint[])", f.OrgIDs)
	}
	if len(f.Queues) > 0 {
		c.add("e.queue = ANY($%d::smallint[])", queueNumbers(f.Queues))
	}
	if len(f.Types) > 0 {
		c.add("e.job_type = ANY($%d::smallint[])", numbers(f.Types))
	}
}

// addPlace keeps to what comes before a place in the order of all events.
func (c *conditions) addPlace(f inspect.PastFilter, at, id string) {
	if !f.Until.IsZero() {
		c.add(at+" < $%d::timestamptz", f.Until)
	}
	if !f.Before.At.IsZero() {
		c.add(at+" <= $%d::timestamptz", f.Before.At)
		c.add("("+at+`, `+id+` COLLATE "C") < (`+fmt.Sprintf("$%d::timestamptz", len(c.args))+", $%d::text)", f.Before.ID)
	}
}

func recentOf(f inspect.PastFilter) audit.Recent {
	r := audit.Recent{Since: f.Since, Until: f.Until, BeforeAt: f.Before.At, BeforeID: f.Before.ID, OrgIDs: f.OrgIDs, Limit: f.Limit}
	for _, q := range f.Queues {
		r.Queues = append(r.Queues, q.String())
	}
	for _, t := range f.Types {
		r.Types = append(r.Types, t.String())
	}
	return r
}

func changeEvent(e inbox.AuditEntry) inspect.Event {
	queue, kind := audit.Concerns(e)
	q, _ := job.ParseQueue(queue)
	t, _ := job.ParseType(kind)
	return inspect.Event{
		ID: "a" + strconv.FormatInt(e.ID, 10), What: e.Action, At: e.At, Org: e.Org, Who: e.Actor, Queue: q, Type: t,
		Change: &e, ForAll: e.OrgID == 0 && audit.ForAll(e.Action),
	}
}

func readFeed(rows pgx.Rows, into *[]inspect.Event) error {
	var kind int16
	var e inspect.Event
	_, err := pgx.ForEachRow(rows, []any{
		&kind, &e.ID, &e.JobID, &e.Attempt, &e.Org, &e.Queue, &e.Type, &e.Class, &e.Code, &e.Text, &e.Process, &e.At,
	}, func() error {
		e.What = map[int16]string{eventFailed: inspect.EventFailed, eventDead: inspect.EventDead, eventUncertain: inspect.EventUncertain}[kind]
		*into = append(*into, e)
		return nil
	})
	return err
}
