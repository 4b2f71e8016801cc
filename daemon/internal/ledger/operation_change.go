package ledger

import (
	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// T17. A dispatched copy is fenced by the state at once and by the epoch later.
// What is released waits from now on; its deadline stays where it was.
const (
	holdSQL = `
UPDATE jobs j SET state = 5, worker_id = NULL FROM unnest($1::bigint[]) u(id) WHERE j.id = u.id AND (j.state+0) IN (0, 1, 2)`

	releaseSQL = `
UPDATE jobs j SET state = CASE WHEN j.run_at > clock_timestamp() THEN 0 ELSE 1 END,
       ready_at = CASE WHEN j.run_at > clock_timestamp() THEN j.ready_at ELSE clock_timestamp() END
FROM unnest($1::bigint[]) u(id) WHERE j.id = u.id AND (j.state+0) = 5`
)

const chooseLocked = `SELECT j.id, (j.state+0) AS st FROM unnest($1::bigint[]) u(id) JOIN jobs j ON j.id = u.id`

// queueChange queues what the operation does to the jobs it has locked, and what
// that means for their messages, which are kept as they are first.
func (t *turn) queueChange(b *pgx.Batch, fates []fate) {
	ids := doneOf(fates)
	if len(ids) == 0 {
		return
	}
	effects := t.effects(fates)
	t.l.effects.QueueKeep(b, t.id, messagesOf(effects))
	switch t.kind {
	case operation.Retry:
		types, lives := patience()
		b.Queue(reviveManySQL, types, lives, ids, !t.named)
	case operation.Cancel:
		b.Queue(cutSQL(chooseLocked, job.Cancelled), ids, storable("by "+t.actor))
	case operation.Discard:
		b.Queue(cutSQL(chooseLocked, job.Discarded), ids, storable("by "+t.actor))
	case operation.Hold:
		b.Queue(holdSQL, ids)
	case operation.Release:
		b.Queue(releaseSQL, ids)
	case operation.Resolve, operation.Undo: // on their own
	}
	if len(effects) > 0 {
		t.l.effects.QueueEffects(b, effects)
	}
}

// effects is what the change means for messages.
func (t *turn) effects(fates []fate) []job.Effect {
	var cuts []cut
	var effects []job.Effect
	for _, f := range fates {
		if f.result != operation.JobDone {
			continue
		}
		j := f.job
		cuts = append(cuts, cut{f.ID, j.RunEpoch, j.Type, j.SubjectID, j.State})
		if t.kind == operation.Retry && job.PolicyOf(j.Type).AtMostOnce && j.SubjectID != 0 {
			effects = append(effects, job.Effect{JobID: f.ID, Epoch: j.RunEpoch, MessageID: j.SubjectID, Status: inbox.Queued})
		}
	}
	switch t.kind {
	case operation.Cancel:
		return failedMessages(cuts, "cancelled by an operator")
	case operation.Discard:
		return failedMessages(cuts, "discarded by an operator")
	case operation.Retry, operation.Hold, operation.Release, operation.Resolve, operation.Undo:
	}
	return effects
}

func messagesOf(effects []job.Effect) (ids []int64) {
	for _, e := range effects {
		ids = append(ids, e.MessageID)
	}
	return ids
}
