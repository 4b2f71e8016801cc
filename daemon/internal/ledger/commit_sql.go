package ledger

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// The statements of a group commit. Guards on state are written (state+0) so
// that no partial index can match and the planner keeps to the primary key,
// whatever the statistics say. Rows are locked in id order (the batch is sorted)
// and skipped when busy: nobody's lock stalls other orgs' outcomes.
//
// Each row is looked up by itself and carried along: two of these lists joined
// would be compared row by row, which grows with the square of the batch. So the
// answer is what was written, with verdict 0, and of the others why not: the
// number of one of the verdicts.
const (
	doneSQL = `
WITH l AS MATERIALIZED (
       SELECT u.id, u.e, x.st, x.run_epoch = u.e AND x.st BETWEEN 0 AND 5 AS ours
       FROM unnest($1::bigint[], $2::int[]) u(id, e)
       LEFT JOIN LATERAL (SELECT (j.state+0) AS st, j.run_epoch FROM jobs j WHERE j.id = u.id FOR UPDATE SKIP LOCKED) x ON true),
     d AS (
       DELETE FROM jobs j USING l WHERE j.id = l.id AND l.ours RETURNING j.*),
     h AS (
       INSERT INTO job_history (outcome, ` + historyColumns + `)
       SELECT 1, ` + historyColumns + ` FROM d RETURNING id, run_epoch)
SELECT id, run_epoch, 0 FROM h UNION ALL SELECT l.id, l.e, ` + refusal + ` FROM l WHERE l.ours IS NOT TRUE`

	failedSQL = `
WITH l AS MATERIALIZED (
       SELECT u.*, x.st, x.run_epoch = u.e AND (x.st = 3 OR (x.st = 4 AND u.state <> 4)) AS ours
       FROM unnest($1::bigint[], $2::int[], $3::smallint[], $4::interval[], $5::smallint[],
                   $6::smallint[], $7::text[], $8::int[], $9::text[])
              u(id, e, state, delay, refund, event, class, code, detail)
       LEFT JOIN LATERAL (SELECT (j.state+0) AS st, j.run_epoch FROM jobs j WHERE j.id = u.id FOR NO KEY UPDATE SKIP LOCKED) x ON true),
     g AS (
       UPDATE jobs j SET state = l.state, worker_id = NULL, attempt = j.attempt - l.refund,
              throttled = CASE WHEN l.state = 1 THEN j.throttled WHEN l.state = 0 AND l.refund = 1 THEN j.throttled + 1 ELSE 0 END,
              run_at = CASE WHEN l.state = 0 THEN clock_timestamp() + l.delay ELSE j.run_at END,
              ready_at = CASE WHEN l.state = 1 THEN clock_timestamp() ELSE j.ready_at END,
              error_class = nullif(l.class, ''), error_code = nullif(l.code, 0), last_error = nullif(l.detail, '')
       FROM l WHERE j.id = l.id AND l.ours
       RETURNING j.*, l.event, l.refund, $10::bigint AS actor),
     v AS (
       INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, worker_id,
                               error_class, error_code, error_text, ready_at, started_at)
       SELECT id, org_id, queue, job_type, event, run_epoch, attempt + refund, lane, actor,
              error_class, error_code, last_error, ready_at, started_at FROM g WHERE event > 0)
SELECT id, run_epoch, 0 FROM g UNION ALL SELECT l.id, l.e, ` + refusal + ` FROM l WHERE l.ours IS NOT TRUE`

	// refusal is the verdict of a row l that nothing was written of: it is not
	// ours, or it was not found, because somebody holds it or because it is gone.
	refusal = `CASE WHEN l.st IS NOT NULL THEN 1 WHEN EXISTS (SELECT 1 FROM jobs x WHERE x.id = l.id) THEN 3 ELSE 2 END`
)

// buildBatch queues the statements for a sorted batch; running it fills
// answers.
func buildBatch(effects Effects, workerID int64, batch []*op, answers map[job.Ticket]opResult) *pgx.Batch {
	b := &pgx.Batch{}
	var starts, dones, fails []*op
	var written []job.Effect
	for _, o := range batch {
		switch {
		case o.finish == nil:
			starts = append(starts, o)
		case o.finish.done:
			dones = append(dones, o)
		default:
			fails = append(fails, o)
		}
		if o.finish != nil && o.finish.effect != nil {
			written = append(written, *o.finish.effect)
		}
	}
	if len(starts) > 0 {
		ids, epochs := tickets(starts)
		b.Queue(startSQL, ids, epochs, workerID, limitedTypes(), ticketLife).Query(func(rows pgx.Rows) error { return readStarts(rows, answers) })
	}
	if len(dones) > 0 {
		ids, epochs := tickets(dones)
		b.Queue(doneSQL, ids, epochs).Query(func(rows pgx.Rows) error { return readVerdicts(rows, answers) })
	}
	if len(fails) > 0 {
		b.Queue(failedSQL, failedArgs(fails, workerID)...).Query(func(rows pgx.Rows) error { return readVerdicts(rows, answers) })
	}
	if len(written) > 0 {
		effects.QueueEffects(b, written)
	}
	return b
}

func tickets(ops []*op) ([]int64, []int32) {
	ids, epochs := make([]int64, len(ops)), make([]int32, len(ops))
	for i, o := range ops {
		ids[i], epochs[i] = o.ticket.ID, o.ticket.Epoch
	}
	return ids, epochs
}

func failedArgs(ops []*op, workerID int64) []any {
	n := len(ops)
	ids, epochs := tickets(ops)
	states, refunds, events := make([]int16, n), make([]int16, n), make([]int16, n)
	delays, classes, codes, details := make([]time.Duration, n), make([]string, n), make([]int32, n), make([]string, n)
	for i, o := range ops {
		f := o.finish
		states[i], delays[i], events[i] = int16(f.state), f.delay, f.event
		classes[i], codes[i], details[i] = string(f.class), int32(f.code), f.detail //nolint:gosec // provider codes fit
		if f.refund {
			refunds[i] = 1
		}
	}
	return []any{ids, epochs, states, delays, refunds, events, classes, codes, details, workerID}
}

func readVerdicts(rows pgx.Rows, answers map[job.Ticket]opResult) error {
	var t job.Ticket
	var v int
	_, err := pgx.ForEachRow(rows, []any{&t.ID, &t.Epoch, &v}, func() error {
		answers[t] = opResult{verdict: verdict(v)}
		return nil
	})
	return err
}

// readStarts scans the claimed job only where the claim was granted: the other
// rows are null there.
func readStarts(rows pgx.Rows, answers map[job.Ticket]opResult) error {
	defer rows.Close()
	for rows.Next() {
		var t job.Ticket
		var v int
		var c nullableClaimed
		if err := rows.Scan(append([]any{&t.ID, &t.Epoch, &v}, c.fields()...)...); err != nil {
			return err
		}
		r := opResult{verdict: verdict(v)}
		if r.verdict == granted {
			r.claimed = c.claimed()
		}
		answers[t] = r
	}
	return rows.Err()
}

// isLockTimeout reports whether somebody else's lock on a row outside jobs (a
// message, an episode) held the batch up for too long.
func isLockTimeout(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "55P03"
}

// isDataError reports whether the server refused what we wrote (as opposed to
// being away, busy or in a deadlock): only then does splitting a batch help.
func isDataError(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && len(pg.Code) == 5 && (pg.Code[:2] == "22" || pg.Code[:2] == "23")
}
