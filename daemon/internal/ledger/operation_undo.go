package ledger

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// scanUndo finds what of another operation can be taken back now.
func (p *planner) scanUndo() error {
	for after := int64(0); ; {
		rows, err := p.tx.Query(p.ctx, `
SELECT job_id, org_id, 0::bigint FROM operation_items WHERE operation_id = $1 AND result = 1 AND NOT undone AND job_id > $2 ORDER BY job_id LIMIT $3`,
			p.r.Undo, after, scanSize)
		if err != nil {
			return err
		}
		picks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[pick])
		if err != nil || len(picks) == 0 {
			return err
		}
		after = picks[len(picks)-1].ID
		found, err := look(p.ctx, p.tx, p.undone.Kind, p.r.Undo, picks, false)
		if err != nil {
			return err
		}
		for _, f := range found {
			if f.result != operation.JobDone {
				p.census.skip(f.reason)
				continue
			}
			p.picks = append(p.picks, f.pick)
			p.census.count(scanned{pick: f.pick, Queue: f.job.Queue, Type: f.job.Type, SerialKey: f.serial})
		}
	}
}

// toUndo loads what an undo is about, before its plan takes a connection.
func (l *Ledger) toUndo(ctx context.Context, r operation.Request) (operation.Operation, error) {
	if r.Kind != operation.Undo {
		return operation.Operation{}, nil
	}
	o, err := l.Operation(ctx, r.OrgID, r.Undo)
	if err != nil {
		return o, err
	}
	return o, undoable(o)
}

func undoable(o operation.Operation) error {
	refuse := func(format string, args ...any) error {
		return inbox.Faultf(inbox.Conflict, "not_undoable", format, args...)
	}
	switch {
	case !o.Kind.Undoable():
		return refuse("a %s cannot be undone", o.Kind)
	case o.State == operation.Planned || o.State == operation.Expired:
		return refuse("operation %d has changed nothing: there is nothing to undo", o.ID)
	case !o.State.Ended():
		return refuse("operation %d is %s: abort it or wait for its end, then undo it", o.ID, o.State)
	}
	return nil
}

// found is a job of an operation that is to be undone.
type found struct {
	fate

	serial int64
	tx     string // that changed it
}

// itemOf looks an item up by its whole key, in whatever plan: it cannot be
// flattened into a join on half of it.
const itemOf = `CROSS JOIN LATERAL (SELECT x.* FROM operation_items x WHERE x.operation_id = $1 AND x.job_id = u.id LIMIT 1) i`

// itemsSQL reads what an operation has changed.
const itemsSQL = `
SELECT i.job_id, i.org_id, i.undone, i.tx::text, i.tx::text::bigint & 4294967295, (i.before->>'run_epoch')::int, (i.before->>'queue')::smallint,
       (i.before->>'job_type')::smallint, coalesce((i.before->>'subject_id')::bigint, 0), coalesce((i.before->>'serial_key')::bigint, 0),
       (i.before->>'state')::smallint
FROM unnest($2::bigint[]) u(id) ` + itemOf + ` WHERE i.result = 1 ORDER BY i.job_id`

// nowSQL reads how the jobs are.
const nowSQL = `
SELECT j.id, (j.state+0), j.run_epoch, j.attempt, j.cancel_requested, j.xmin::text::bigint
FROM unnest($1::bigint[]) u(id) JOIN jobs j ON j.id = u.id ORDER BY j.id`

// look compares what an operation left with what is there now, and judges what
// can be taken back; lock: and locks it. A job that was revived or released has
// not run while its last claim is still the one from before; a held one must be
// the very row the operation wrote.
func look(ctx context.Context, tx pgx.Tx, kind operation.Kind, operationID int64, picks []pick, lock bool) ([]found, error) {
	sql := nowSQL
	if lock {
		sql += ` FOR UPDATE OF j SKIP LOCKED`
	}
	rows, err := tx.Query(ctx, sql, idsOf(picks))
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n now, err error) {
		n.live = true
		err = row.Scan(&n.id, &n.state, &n.runEpoch, &n.attempt, &n.asked, &n.version)
		return n, err
	})
	if err != nil {
		return nil, err
	}
	got := make(map[int64]now, len(list))
	for _, n := range list {
		got[n.id] = n
	}
	busy := map[int64]bool{}
	if lock {
		if busy, err = busyOf(ctx, tx, picks, got); err != nil {
			return nil, err
		}
	}
	if rows, err = tx.Query(ctx, itemsSQL, operationID, idsOf(picks)); err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (f found, err error) {
		var undone bool
		var version int64
		j := &f.job
		err = row.Scan(&f.ID, &f.OrgID, &undone, &f.tx, &version, &j.RunEpoch, &j.Queue, &j.Type, &j.SubjectID, &f.serial, &j.State)
		n := got[f.ID]
		n.undone, n.busy = undone, busy[f.ID]
		n.sameClaim, n.same = n.runEpoch == j.RunEpoch, n.version == version
		f.result, f.reason = n.judge(kind, j.State)
		return f, err
	})
}

// now is how a job is that an operation has changed.
type now struct {
	id                 int64
	undone, live, busy bool
	state              job.State
	runEpoch           int32
	attempt            int16
	asked              bool
	version            int64

	sameClaim bool // its last claim is from before
	same      bool // it is the row the operation wrote
}

func (n now) judge(kind operation.Kind, was job.State) (operation.Result, string) {
	waits := n.state == job.Scheduled || n.state == job.Ready || n.state == job.Dispatched
	ended := kind == operation.Discard || kind == operation.Cancel && was != job.Running
	switch {
	case n.undone:
		return operation.JobSkipped, reasonChanged
	case n.busy:
		return operation.JobLocked, reasonLocked
	case ended && n.live, !ended && !n.live:
		return operation.JobSkipped, reasonGone(kind)
	case ended:
		return operation.JobDone, ""
	case kind == operation.Retry && waits && n.sameClaim && n.attempt == 0,
		kind == operation.Release && waits && n.sameClaim,
		kind == operation.Hold && n.state == job.Held && n.same,
		kind == operation.Cancel && n.state == job.Running && n.sameClaim && n.asked:
		return operation.JobDone, ""
	case kind != operation.Hold && !n.sameClaim, n.state == job.Running:
		return operation.JobSkipped, reasonRan
	}
	return operation.JobSkipped, reasonChanged
}

// reasonGone: what was to run and is not there has run to its end.
func reasonGone(kind operation.Kind) string {
	if kind == operation.Retry || kind == operation.Release || kind == operation.Cancel {
		return reasonRan
	}
	return reasonChanged
}

// takeBack undoes: first the conversations of jobs that come back from history,
// because whoever inserts a job holds its conversation, then jobs, then messages.
func (t *turn) takeBack(ctx context.Context, picks []pick) ([]fate, error) {
	busy, err := t.holdConversations(ctx, picks)
	if err != nil {
		return nil, err
	}
	all, err := look(ctx, t.tx, t.undoKind, t.undoOf, picks, true)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if f := &all[i]; f.result == operation.JobDone && f.gone(t.undoKind) && busy[f.ID] {
			f.result, f.reason = operation.JobLocked, reasonLocked
		}
	}
	if err := t.reinsert(ctx, all); err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	t.queueRestore(b, all)
	fates := make([]fate, len(all))
	for i, f := range all {
		fates[i] = f.fate
	}
	t.queueItems(b, fates, false)
	return fates, t.tx.SendBatch(ctx, b).Close()
}

// gone reports whether the operation moved the job to history.
func (f found) gone(kind operation.Kind) bool {
	return kind == operation.Discard || kind == operation.Cancel && f.job.State != job.Running
}

// holdConversations locks the conversations and accounts of jobs that are in
// history, and returns the jobs whose row somebody else holds.
func (t *turn) holdConversations(ctx context.Context, picks []pick) (map[int64]bool, error) {
	busy := map[int64]bool{}
	if t.undoKind != operation.Cancel && t.undoKind != operation.Discard {
		return busy, nil
	}
	for table, queues := range map[string][]int16{
		"conversations": queueNumbers([]job.Queue{job.WhatsApp, job.Instagram, job.Automations}),
		"channels":      queueNumbers([]job.Queue{job.MetaSpend, job.TokenRefresh}),
	} {
		ids, err := idSet(t.tx.Query(ctx, `
WITH u AS (
       SELECT i.job_id AS id, (i.before->>'serial_key')::bigint AS key FROM unnest($2::bigint[]) u(id) `+itemOf+`
       WHERE i.before->>'serial_key' IS NOT NULL AND (i.before->>'queue')::smallint = ANY($3::smallint[])),
     l AS MATERIALIZED (
       SELECT v.id FROM `+table+` v WHERE v.id = ANY(ARRAY(SELECT key FROM u)) ORDER BY v.id FOR NO KEY UPDATE SKIP LOCKED)
SELECT u.id FROM u WHERE u.key <> ALL (ARRAY(SELECT id FROM l)) AND EXISTS (SELECT 1 FROM `+table+` v WHERE v.id = u.key)`,
			t.undoOf, idsOf(picks), queues))
		if err != nil {
			return nil, err
		}
		maps.Copy(busy, ids)
	}
	return busy, nil
}

// The way back from history, as the jobs were. What was on its way is ready: its
// copy is fenced by the state now, and by the epoch when it is handed out again. A
// column that is younger than the operation must allow null. A bound on
// finished_at would spare partitions, and tempt the planner into an index that
// begins with something else.
const (
	forgetSQL = `
DELETE FROM job_history h WHERE h.id = ANY($1::bigint[]) AND h.tx::text = ANY($2::text[]) RETURNING h.id`

	reinsertSQL = `
INSERT INTO jobs SELECT r.* FROM unnest($2::bigint[]) u(id) ` + itemOf + `
CROSS JOIN LATERAL jsonb_populate_record(NULL::jobs, i.before ||
  CASE WHEN i.before->>'state' = '2' THEN '{"state": 1, "worker_id": null}'::jsonb ELSE '{}'::jsonb END) r
ORDER BY r.id`
)

// reinsert brings back what a cancel or a discard has ended, unless its message
// has got another job meanwhile: that would send it twice.
func (t *turn) reinsert(ctx context.Context, all []found) error {
	var ids, jobs, messages []int64
	var txs []string
	for _, f := range all {
		if f.result != operation.JobDone || !f.gone(t.undoKind) {
			continue
		}
		if f.hasMessage() {
			jobs, messages = append(jobs, f.ID), append(messages, f.job.SubjectID)
		}
		ids = append(ids, f.ID)
		if !slices.Contains(txs, f.tx) {
			txs = append(txs, f.tx)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	still := map[int64]bool{}
	if len(messages) > 0 {
		var err error
		if still, err = t.l.effects.StillFailed(ctx, t.tx, jobs, messages); err != nil {
			return err
		}
	}
	for i := range all {
		if f := &all[i]; f.result == operation.JobDone && f.gone(t.undoKind) && f.hasMessage() && !still[f.job.SubjectID] {
			f.result, f.reason = operation.JobSkipped, reasonChanged
			ids = slices.DeleteFunc(ids, func(id int64) bool { return id == f.ID })
		}
	}
	rows, err := t.tx.Query(ctx, forgetSQL, ids, txs)
	if err != nil {
		return err
	}
	back, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for i := range all {
		if f := &all[i]; f.result == operation.JobDone && f.gone(t.undoKind) && !slices.Contains(back, f.ID) {
			f.result, f.reason = operation.JobSkipped, reasonChanged
		}
	}
	_, err = t.tx.Exec(ctx, reinsertSQL, t.undoOf, back)
	return err
}

func (f found) hasMessage() bool { return f.job.SubjectID != 0 && job.PolicyOf(f.job.Type).AtMostOnce }

// restoreSQL puts live jobs back as they were, all but their epochs.
const restoreSQL = `
UPDATE jobs j SET priority = r.priority, state = CASE r.state WHEN 2 THEN 1 ELSE r.state END, attempt = r.attempt, throttled = r.throttled,
       lost = r.lost, lane = r.lane, cancel_requested = r.cancel_requested, worker_id = CASE r.state WHEN 2 THEN NULL ELSE r.worker_id END,
       error_class = r.error_class, error_code = r.error_code, last_error = r.last_error, run_at = r.run_at, ready_at = r.ready_at,
       dispatched_at = r.dispatched_at, started_at = r.started_at, deadline_at = r.deadline_at
FROM unnest($2::bigint[]) u(id) ` + itemOf + `
     CROSS JOIN LATERAL jsonb_populate_record(NULL::jobs, i.before) r
WHERE j.id = u.id`

// queueRestore puts live jobs and all messages back, and marks them as undone.
func (t *turn) queueRestore(b *pgx.Batch, all []found) {
	var live, asked, done, messages []int64
	for _, f := range all {
		if f.result != operation.JobDone {
			continue
		}
		done = append(done, f.ID)
		switch {
		case f.gone(t.undoKind):
		case t.undoKind == operation.Cancel:
			asked = append(asked, f.ID)
		default:
			live = append(live, f.ID)
		}
		if f.hasMessage() && (f.gone(t.undoKind) || t.undoKind == operation.Retry) {
			messages = append(messages, f.job.SubjectID)
		}
	}
	if len(live) > 0 {
		b.Queue(restoreSQL, t.undoOf, live)
	}
	if len(asked) > 0 {
		b.Queue(`UPDATE jobs j SET cancel_requested = false FROM unnest($1::bigint[]) u(id) WHERE j.id = u.id`, asked)
	}
	left := inbox.Failed
	if t.undoKind == operation.Retry {
		left = inbox.Queued
	}
	t.l.effects.QueueRestore(b, t.undoOf, messages, left)
	if len(done) == 0 {
		return
	}
	b.Queue(`
WITH o AS (
       UPDATE operation_items i SET undone = true, outcome = CASE WHEN i.outcome = 0 THEN NULL ELSE i.outcome END
       WHERE i.operation_id = $1 AND i.job_id = ANY($2::bigint[]) RETURNING i.outcome IS NULL AS closed)
UPDATE operations SET open = greatest(0, open - (SELECT count(*) FROM o WHERE closed)) WHERE id = $1 AND open > 0`, t.undoOf, done)
}
