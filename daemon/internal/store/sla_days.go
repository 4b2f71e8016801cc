package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// Figures of a week would read every clock of it. So settled clocks of whole days
// are counted once (sla_days), and what changes of them afterwards is noted by a
// trigger in the transaction of the change: who adds up the days and the clocks
// outside them finds exactly what is in the clocks alone.
const (
	slaDaysKept = 100 // longer than the longest window

	// dayToRollSQL finds the latest day that is two hours over and not counted, or
	// not any more.
	dayToRollSQL = `
SELECT d.day, r.day IS NOT NULL
FROM (SELECT ($2::timestamptz AT TIME ZONE 'UTC' - interval '26 hours')::date - n AS day FROM generate_series(0, $1::int - 1) n) d
LEFT JOIN sla_rolled r ON r.day = d.day
WHERE r.ready IS NOT TRUE OR EXISTS (SELECT 1 FROM sla_stale s WHERE s.day = d.day)
ORDER BY d.day DESC LIMIT 1`

	// noteDaySQL lets changes of a day be noted from now on. Nobody is under way who
	// does not know, or it does nothing.
	noteDaySQL = `
INSERT INTO sla_rolled (day) SELECT $1 WHERE pg_try_advisory_xact_lock(hashtextextended('inboxd.sla.days', 0)) ON CONFLICT DO NOTHING`

	slaRollLock = `SELECT pg_try_advisory_xact_lock(hashtextextended('inboxd.sla.roll', 0))`

	// rollDaySQL counts the settled clocks of a day, as of the snapshot in which what
	// was noted before is deleted: what is noted later comes on top.
	rollDaySQL = `
INSERT INTO sla_days (day, org_id, user_id, channel_id, met, missed, worst_ms, times)
SELECT $1::date, x.org_id, x.user_id, x.channel_id, sum(x.met), sum(x.n - x.met), max(x.worst), string_agg(sla_record(x.some, x.n), '' ORDER BY x.some)
FROM (SELECT e.org_id, coalesce(e.charged_id, -1) AS user_id, e.channel_id, count(*) AS n, count(*) FILTER (WHERE e.outcome = 1) AS met,
             max(e.response_ms) AS worst, min(e.response_ms) AS some
      FROM episodes e
      WHERE ` + isSettled + ` AND e.started_at >= $1::date::timestamp AT TIME ZONE 'UTC' AND e.started_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'
      GROUP BY e.org_id, coalesce(e.charged_id, -1), e.channel_id, ` + bucketOf + `) x
GROUP BY x.org_id, x.user_id, x.channel_id`

	// isSettled is what figures may take from an index or a day.
	isSettled = `e.judged_at IS NOT NULL AND e.answered_at IS NOT NULL AND NOT e.excluded`

	// bucketOf is the bucket of sla.Responses, as in sla_record.
	bucketOf = `floor(ln(greatest(e.response_ms, 1)::double precision) * 25)::smallint`
)

// RollSLADays counts the days that are over, the latest first, and those of which
// a clock has changed since again. One process at a time does.
func (s *Store) RollSLADays(ctx context.Context) error {
	ctx = Named(ctx, QuerySLA)
	for {
		more, err := s.rollSLADay(ctx)
		if err != nil {
			return fmt.Errorf("count a day of SLA clocks: %w", err)
		}
		if !more {
			return s.dropSLADays(ctx)
		}
	}
}

func (s *Store) rollSLADay(ctx context.Context) (more bool, err error) {
	var day pgtype.Date
	var noted bool
	err = s.pool.QueryRow(ctx, dayToRollSQL, slaDaysKept, s.now()).Scan(&day, &noted)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	}
	if !noted {
		tag, err := s.pool.Exec(ctx, noteDaySQL, day)
		if err != nil || tag.RowsAffected() == 0 { // somebody changes a clock just now: the next turn will
			return false, err
		}
	}
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, slaRollLock).Scan(&more); err != nil || !more {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(`SET LOCAL work_mem = '64MB'`)
		b.Queue(`DELETE FROM sla_stale WHERE day = $1`, day)
		b.Queue(`DELETE FROM sla_days WHERE day = $1`, day)
		b.Queue(rollDaySQL, day)
		b.Queue(`UPDATE sla_rolled SET ready = true WHERE day = $1 AND NOT ready`, day)
		return tx.SendBatch(ctx, b).Close()
	})
	return more, err
}

func (s *Store) dropSLADays(ctx context.Context) error {
	for _, table := range []string{"sla_days", "sla_stale", "sla_rolled"} { // a day without its clocks must not look counted: that is last, and of no window
		if _, err := s.pool.Exec(ctx, `DELETE FROM `+table+` WHERE day < ($2::timestamptz AT TIME ZONE 'UTC')::date - $1::int`, slaDaysKept+2, s.now()); err != nil {
			return fmt.Errorf("drop old days of SLA clocks: %w", err)
		}
	}
	return nil
}

// spans is how a window is read: counted days, and the clocks of what is between
// them.
type spans struct {
	days     []pgtype.Date
	from, to []time.Time
}

// spansOf finds the counted days of a window.
func (s *Store) spansOf(ctx context.Context, w sla.Span) (p spans, err error) {
	rows, err := s.pool.Query(ctx, `
SELECT r.day FROM sla_rolled r
WHERE r.ready AND r.day::timestamp AT TIME ZONE 'UTC' >= $1 AND (r.day + 1)::timestamp AT TIME ZONE 'UTC' <= $2
  AND r.day >= ($4::timestamptz AT TIME ZONE 'UTC')::date - $3::int AND NOT EXISTS (SELECT 1 FROM sla_stale s WHERE s.day = r.day)
ORDER BY r.day`, w.From, w.To, slaDaysKept, s.now())
	if err != nil {
		return p, err
	}
	if p.days, err = pgx.CollectRows(rows, pgx.RowTo[pgtype.Date]); err != nil {
		return p, err
	}
	from := w.From
	for _, d := range p.days {
		p.add(from, d.Time)
		from = d.Time.AddDate(0, 0, 1)
	}
	p.add(from, w.To)
	return p, nil
}

func (p *spans) add(from, to time.Time) {
	if from.Before(to) {
		p.from, p.to = append(p.from, from), append(p.to, to)
	}
}
