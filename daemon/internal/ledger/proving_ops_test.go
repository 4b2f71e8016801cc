package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

func (p *proving) do(t *testing.T, r record, a act) {
	t.Helper()
	require.NoError(t, p.try(t, r, a), "%s", a.op)
}

func (p *proving) try(t *testing.T, r record, a act) (err error) {
	t.Helper()
	ctx, worker := t.Context(), p.workers[a.worker]
	ticket := job.Ticket{ID: proved, Epoch: int32(a.epoch)}
	pick := all(1)
	if !r.once {
		pick.Type = job.RunAutomation
	}
	if a.cool {
		pick.Blocked = []int64{5}
	}
	switch a.op {
	case promote:
		_, err = p.poll(ctx)
	case dispatch:
		_, err = p.Dispatch(ctx, pick, worker)
	case take:
		_, err = p.Take(ctx, pick, worker)
	case start:
		_, _, err = p.committers[a.worker].Start(ctx, ticket)
	case recall:
		_, err = p.Recall(ctx, "test", []job.Ticket{ticket})
	case recallOlder:
		_, err = p.RecallOlder(ctx, "test", 0)
	case recallHeld:
		_, err = p.RecallHeld(ctx)
	case recallDial:
		_, err = p.RecallDial(ctx, job.WhatsApp, 0)
	case putBack, putOff:
		err = p.Defer(ctx, []job.Deferral{{Ticket: ticket, After: time.Duration(a.op-putBack) * time.Minute}}, worker)
	case stray:
		_, err = p.ReleaseStrays(ctx, worker, 0, func(job.Ticket) bool { return a.runs })
	case orphan:
		_, err = p.Orphans(ctx)
	case succeed, retry, throttle, fail, doubt, release:
		err = p.report(t, r, a)
	default:
		err = p.word(t, a, ticket)
	}
	return err
}

func (p *proving) report(t *testing.T, r record, a act) error {
	t.Helper()
	verdicts := map[op]job.Verdict{
		succeed: job.Succeed, retry: job.Retry, throttle: job.Throttle, fail: job.Fail, doubt: job.Doubt, release: job.Release,
	}
	c := job.Claimed{
		ID: proved, Epoch: int32(a.epoch), Type: job.SendMessage, SubjectID: 1, Attempt: int(r.attempt), MaxAttempts: tries,
		Deadline: time.Now().Add(24 * time.Hour),
	}
	if !r.once {
		c.Type = job.RunAutomation
	}
	_, err := p.committers[a.worker].Finish(t.Context(), c, job.Result{Verdict: verdicts[a.op], Class: job.ClassTransient})
	return err
}

// word is one of a provider or an operator.
func (p *proving) word(t *testing.T, a act, ticket job.Ticket) (err error) {
	t.Helper()
	ctx := t.Context()
	one := inspect.Filter{IDs: []int64{proved}}
	switch a.op {
	case settle, settleAny:
		if a.op == settleAny {
			ticket.Epoch = 0
		}
		err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
			_, err := p.Settle(ctx, tx, []job.Settlement{{ID: proved, Epoch: ticket.Epoch}})
			return err
		})
	case resolveSent, resolveNotSent, resolveResend:
		how := []inspect.Resolution{inspect.ResolvedSent, inspect.ResolvedNotSent, inspect.ResolvedResend}[a.op-resolveSent]
		if _, err = p.Resolve(ctx, 0, proved, how, "ana"); err != nil {
			err = notUncertain(err)
		}
	case cancel:
		_, _, err = p.Cancel(ctx, one, "ana")
	case sweep:
		err = p.SweepCancelled(ctx)
	case holdJob, releaseJob, discardJob:
		kind := []operation.Kind{operation.Hold, operation.Release, operation.Discard}[a.op-holdJob]
		_, err = p.Operate(ctx, operation.Request{Kind: kind, Filter: one, Actor: "ana"})
	case revive:
		_, err = p.RetryDead(ctx, one, "ana")
	default:
		err = fmt.Errorf("nobody does %s", a.op)
	}
	return err
}

// notUncertain: that a job is not uncertain is an answer.
func notUncertain(err error) error {
	if inbox.KindOf(err) == inbox.Conflict {
		return nil
	}
	return err
}
