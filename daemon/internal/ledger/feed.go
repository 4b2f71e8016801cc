package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const (
	// feedPage bounds one look at what has happened.
	feedPage = 1000
	// feedOverlap is how long what carries no transaction, what operators set and
	// the deaths of processes, is looked at again: its time is taken before it
	// commits.
	feedOverlap = 5 * time.Second
)

// feedSQL reads what had not been committed in an earlier snapshot: each row
// once, however late its transaction ends.
const feedSQL = `
SELECT e.kind, e.job_id, e.epoch, e.attempt::int, coalesce(o.name, ''), e.queue, e.job_type, coalesce(e.error_class, ''), e.error_code,
       coalesce(e.error_text, ''), coalesce(w.host || ':' || w.pid, ''), e.at
FROM job_events e LEFT JOIN orgs o ON o.id = e.org_id LEFT JOIN workers w ON w.id = e.worker_id
WHERE e.kind IN (1, 2, 3) AND e.tx >= pg_snapshot_xmin($2::pg_snapshot) AND NOT pg_visible_in_snapshot(e.tx, $2::pg_snapshot)
  AND %s ORDER BY e.at DESC LIMIT $1`

// pastSQL reads the newest of what happened since a time: of some orgs by their
// own index, of all by what the newest transactions wrote.
const pastSQL = `
SELECT e.kind, e.job_id, e.epoch, e.attempt::int, coalesce(o.name, ''), e.queue, e.job_type, coalesce(e.error_class, ''), e.error_code,
       coalesce(e.error_text, ''), coalesce(w.host || ':' || w.pid, ''), e.at
FROM (SELECT * FROM %[2]s e WHERE e.kind IN (1, 2, 3) AND e.at > $2::timestamptz AND %[1]s ORDER BY e.at DESC LIMIT $1) e
LEFT JOIN orgs o ON o.id = e.org_id LEFT JOIN workers w ON w.id = e.worker_id ORDER BY e.at DESC`

const controlFeedSQL = `
SELECT 'hold_added', 'h' || h.id || '+', h.created_at, coalesce(o.name, ''), coalesce(h.queue, 0), coalesce(h.job_type, 0), '', h.owner, h.reason
FROM holds h LEFT JOIN orgs o ON o.id = h.org_id WHERE h.created_at > $1 AND (h.org_id IS NULL OR cardinality($2::bigint[]) = 0 OR h.org_id = ANY($2))
UNION ALL
SELECT 'hold_released', 'h' || h.id || '-', h.released_at, coalesce(o.name, ''), coalesce(h.queue, 0), coalesce(h.job_type, 0), '', coalesce(h.released_by, ''), h.reason
FROM holds h LEFT JOIN orgs o ON o.id = h.org_id WHERE h.released_at > $1 AND (h.org_id IS NULL OR cardinality($2::bigint[]) = 0 OR h.org_id = ANY($2))
UNION ALL
SELECT 'limit_set', 'l' || x.org_id || '.' || x.name || '.' || (extract(epoch FROM x.set_at) * 1000)::bigint, x.set_at, o.name, 0::smallint, 0::smallint, '', x.owner,
       x.name || ' ' || x.value || CASE x.window_ms WHEN 0 THEN '' WHEN 1000 THEN '/s' WHEN 60000 THEN '/min' WHEN 3600000 THEN '/h' ELSE ' per ' || x.window_ms || ' ms' END
         || CASE WHEN x.reason = '' THEN '' ELSE ': ' || x.reason END
FROM org_limits x JOIN orgs o ON o.id = x.org_id
WHERE (SELECT changed_at FROM control) > $1 AND x.set_at > $1 AND (cardinality($2::bigint[]) = 0 OR x.org_id = ANY($2))
UNION ALL
SELECT 'dial_set', 'd' || d.queue || '.' || (extract(epoch FROM d.set_at) * 1000)::bigint, d.set_at, '', d.queue, 0::smallint, '', d.owner, d.dial || '% by Redis'
FROM queue_dials d WHERE d.set_at > $1
UNION ALL
SELECT 'process_dead', 'w' || w.id, w.dead_at, '', 0::smallint, 0::smallint, w.host || ':' || w.pid, '', w.mode || ' ' || w.version
FROM workers w WHERE w.dead_at > $1
ORDER BY 3 DESC LIMIT $3`

// Feed returns what has happened since a cursor, oldest first, and where to go on.
// Of more than it gives at once it gives the newest, and says so in an event. What
// operators set may come twice, under the same id.
func (l *Ledger) Feed(ctx context.Context, from inspect.FeedCursor, f inspect.FeedFilter) (events []inspect.Event, next inspect.FeedCursor, err error) {
	next = from
	err = pgx.BeginTxFunc(ctx, l.reads, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`SELECT pg_current_snapshot()::text, clock_timestamp()`).QueryRow(func(row pgx.Row) error { return row.Scan(&next.Snapshot, &next.At) })
		sql, args := feedQuery(from, f)
		b.Queue(sql, args...).Query(func(rows pgx.Rows) error { return readFeed(rows, &events) })
		since := from.At
		if from.Snapshot != "" {
			since = since.Add(-feedOverlap)
		}
		orgs := append([]int64{}, f.OrgIDs...)
		b.Queue(controlFeedSQL, since, orgs, feedPage+1).Query(func(rows pgx.Rows) error { return readControlFeed(rows, f, &events) })
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, from, fmt.Errorf("read what has happened: %w", err)
	}
	slices.SortStableFunc(events, func(a, b inspect.Event) int { return a.At.Compare(b.At) })
	if n := len(events) - feedPage; n > 0 {
		missed := inspect.Event{ID: "m" + strconv.FormatInt(next.At.UnixMilli(), 10), What: inspect.EventMissed, At: events[n].At, Text: "more happened than is shown: see `inboxctl jobs groups`"}
		events = append([]inspect.Event{missed}, events[n:]...)
	}
	return events, next, nil
}

func feedQuery(from inspect.FeedCursor, f inspect.FeedFilter) (string, []any) {
	c := conditions{args: []any{feedPage + 1, from.Snapshot}}
	if from.Snapshot == "" {
		c.args[1] = from.At
	}
	if len(f.OrgIDs) > 0 {
		c.add("e.org_id = ANY($%d::bigint[])", f.OrgIDs)
	}
	if len(f.Queues) > 0 {
		c.add("e.queue = ANY($%d::smallint[])", queueNumbers(f.Queues))
	}
	if len(f.Types) > 0 {
		c.add("e.job_type = ANY($%d::smallint[])", numbers(f.Types))
	}
	if from.Snapshot != "" {
		return fmt.Sprintf(feedSQL, c.where()), c.args
	}
	source := "(SELECT * FROM job_events ORDER BY tx DESC LIMIT " + strconv.Itoa(sampleSize) + ")"
	if len(f.OrgIDs) > 0 {
		source = "job_events"
	}
	return fmt.Sprintf(pastSQL, c.where(), source), c.args
}

func readFeed(rows pgx.Rows, into *[]inspect.Event) error {
	var kind int16
	var epoch int32
	var e inspect.Event
	_, err := pgx.ForEachRow(rows, []any{
		&kind, &e.JobID, &epoch, &e.Attempt, &e.Org, &e.Queue, &e.Type, &e.Class, &e.Code, &e.Text, &e.Process, &e.At,
	}, func() error {
		e.What = map[int16]string{eventFailed: inspect.EventFailed, eventDead: inspect.EventDead, eventUncertain: inspect.EventUncertain}[kind]
		e.ID = fmt.Sprintf("j%d.%d.%d", e.JobID, epoch, kind)
		*into = append(*into, e)
		return nil
	})
	return err
}

// readControlFeed leaves out what names another queue or type than is asked for.
func readControlFeed(rows pgx.Rows, f inspect.FeedFilter, into *[]inspect.Event) error {
	var e inspect.Event
	var queue job.Queue
	var kind job.Type
	_, err := pgx.ForEachRow(rows, []any{&e.What, &e.ID, &e.At, &e.Org, &queue, &kind, &e.Process, &e.Who, &e.Text}, func() error {
		e.Queue, e.Type = queue, kind
		if (queue == 0 || len(f.Queues) == 0 || slices.Contains(f.Queues, queue)) && (kind == 0 || len(f.Types) == 0 || slices.Contains(f.Types, kind)) {
			*into = append(*into, e)
		}
		return nil
	})
	return err
}
