package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// promoteSQL asks for now(), not clock_timestamp(): an index cannot be searched
// for a value that may change under way.
const promoteSQL = `
WITH due AS (SELECT id FROM jobs WHERE state = 0 AND run_at <= now()
             ORDER BY run_at LIMIT 500 FOR UPDATE SKIP LOCKED)
UPDATE jobs j SET state = 1, ready_at = clock_timestamp() FROM due WHERE j.id = due.id`

// backlogLimit bounds one look. Where more is waiting, each look goes on where
// the one before ended.
const backlogLimit = 1000

// backlogSQL walks the ready index from one (queue, type, org, priority) to the
// next, beginning behind a place, so its cost grows with the orgs that have work
// and not with the jobs they have.
const backlogSQL = `
WITH RECURSIVE o AS (
  (SELECT queue, job_type, org_id, priority FROM jobs
   WHERE state = 1 AND (queue, job_type, org_id, priority) > ($1::smallint, $2::smallint, $3::bigint, $4::smallint)
   ORDER BY queue, job_type, org_id, priority LIMIT 1)
  UNION ALL
  SELECT n.queue, n.job_type, n.org_id, n.priority FROM o CROSS JOIN LATERAL (
    SELECT j.queue, j.job_type, j.org_id, j.priority FROM jobs j
    WHERE j.state = 1 AND (j.queue, j.job_type, j.org_id, j.priority) > (o.queue, o.job_type, o.org_id, o.priority)
    ORDER BY j.queue, j.job_type, j.org_id, j.priority LIMIT 1) n
)
SELECT queue, job_type, org_id, priority FROM o LIMIT $5`

const underWaySQL = `
SELECT queue, org_id, count(*)::int, count(*) FILTER (WHERE lane = 1)::int FROM jobs WHERE state IN (2, 3) GROUP BY queue, org_id`

const slotsSQL = `
SELECT coalesce(sum(slots), 0)::int, coalesce(sum(background_slots), 0)::int FROM workers WHERE dead_at IS NULL AND NOT draining`

// blockedSQL lists the channels to leave alone, and what is cooling down as a
// whole.
const blockedSQL = `
SELECT h.id, '' FROM channels h WHERE h.state = 'paused'
UNION ALL
SELECT x.channel_id, '' FROM restrictions x
WHERE x.covers = 'sends' AND x.state <> 'lifted' AND (x.until IS NULL OR x.until > clock_timestamp())
UNION ALL
SELECT h.id, '' FROM cooldowns c JOIN channels h ON h.id = c.target::bigint WHERE c.scope = 'channel' AND c.until > clock_timestamp()
UNION ALL
SELECT h.id, '' FROM cooldowns c JOIN channels h ON h.business_id = c.target WHERE c.scope = 'waba' AND c.until > clock_timestamp()
UNION ALL
SELECT 0, c.scope || ' ' || c.target FROM cooldowns c WHERE c.scope IN ('app', 'provider') AND c.until > clock_timestamp()`

// place is where a look at the backlog begins.
type place struct {
	queue, kind int16
	org         int64
	priority    int16
}

// Poll makes T2 (what is due becomes ready) and returns the outlook, all in
// one round trip of five statements. One caller at a time per Poller.
func (p *Poller) Poll(ctx context.Context) (job.Outlook, error) {
	out := job.Outlook{OnRedis: map[job.Queue]int{}, UnderWay: map[job.OrgInQueue]int{}}
	b := &pgx.Batch{}
	b.Queue(promoteSQL)
	b.Queue(backlogSQL, p.from.queue, p.from.kind, p.from.org, p.from.priority, backlogLimit).Query(func(rows pgx.Rows) error {
		return p.readBacklog(rows, &out)
	})
	b.Queue(underWaySQL).Query(func(rows pgx.Rows) error {
		var k job.OrgInQueue
		var n, redis int
		_, err := pgx.ForEachRow(rows, []any{&k.Queue, &k.OrgID, &n, &redis}, func() error {
			out.UnderWay[k] = n
			out.OnRedis[k.Queue] += redis
			return nil
		})
		return err
	})
	b.Queue(slotsSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&out.Slots, &out.Background) })
	b.Queue(blockedSQL).Query(func(rows pgx.Rows) error { return readBlocked(rows, &out) })
	if err := p.ledger.pool.SendBatch(ctx, b).Close(); err != nil {
		return job.Outlook{}, fmt.Errorf("poll the ledger: %w", err)
	}
	return out, nil
}

// Poller is one dispatcher's look at the ledger. Not safe for concurrent use.
type Poller struct {
	ledger *Ledger
	from   place
	page   int // of the walk
}

// NewPoller begins at the beginning.
func (l *Ledger) NewPoller() *Poller { return &Poller{ledger: l} }

// readBacklog folds priorities into bulk and others. A full page is gone on
// with next time, a part of one ends the walk: the next look begins anew.
func (p *Poller) readBacklog(rows pgx.Rows, out *job.Outlook) error {
	var k job.Backlog
	var last place
	n := 0
	_, err := pgx.ForEachRow(rows, []any{&last.queue, &last.kind, &last.org, &last.priority}, func() error {
		n++
		k = job.Backlog{Queue: job.Queue(last.queue), Type: job.Type(last.kind), OrgID: last.org, Bulk: job.Priority(last.priority) == job.Bulk}
		if len(out.Backlog) == 0 || out.Backlog[len(out.Backlog)-1] != k {
			out.Backlog = append(out.Backlog, k)
		}
		return nil
	})
	out.Page, out.More = p.page, n == backlogLimit
	p.from, p.page = place{}, 0
	if out.More {
		p.from, p.page = last, out.Page+1
	}
	return err
}

func readBlocked(rows pgx.Rows, out *job.Outlook) error {
	var channel int64
	var what string
	_, err := pgx.ForEachRow(rows, []any{&channel, &what}, func() error {
		if what == "" {
			out.Channels = append(out.Channels, channel)
			return nil
		}
		out.Queues = append(out.Queues, cooling(what)...)
		return nil
	})
	return err
}
