package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// acceptance is a message on its way through a transaction that others share.
// Its fault is its own: it leaves nothing, and disturbs nobody.
type acceptance struct {
	outbound

	key    *onceKey
	traced bool
	follow func(asked string) (string, trace.Span) // goes on with the trace of the question it answers, and says where

	thread    thread
	asked     string     // the trace of the question
	span      trace.Span // of going on with it: ends when it is stored
	messageID int64
	receipt   inbox.Receipt
	accepted  bool // not a repeat
	held      bool // the conversation is somebody else's
	fault     error
}

func newAcceptance(ctx context.Context, o outbound) (*acceptance, error) {
	key, err := newOnceKey(o.orgID, o.once)
	return &acceptance{
		outbound: o, key: key, traced: trace.On(ctx),
		follow: func(asked string) (string, trace.Span) {
			ctx, span := trace.Join(ctx, asked, "accept reply")
			return trace.Parent(ctx), span
		},
	}, err
}

// mostSendBytes bounds a transaction: about a hundred replies.
const mostSendBytes = 128 << 10

// bytes is about what it takes in a transaction.
func (a *acceptance) bytes() int { return 1<<10 + len(a.text) + len(a.payload) }

// afresh forgets what a transaction that came to nothing has found.
func (a *acceptance) afresh() {
	*a = acceptance{outbound: a.outbound, key: a.key.afresh(), traced: a.traced, follow: a.follow}
}

// acceptAll writes messages and their jobs in one transaction, whatever becomes
// of each, and returns those whose conversations somebody holds: only one that is
// alone waits for a lock. Round trips: BEGIN, idempotency keys, conversation locks
// and message ids; the jobs; messages, conversations, keys and COMMIT. Statements,
// whatever the number: 7, three more with idempotency keys, and one each with
// templates and with traced replies.
func (s *Store) acceptAll(ctx context.Context, all []*acceptance, alone bool, ready func() error) (held []*acceptance, err error) {
	for _, a := range all {
		a.afresh()
	}
	// The lock order; in a conversation that of arrival, and ids rise with it.
	slices.SortStableFunc(all, func(a, b *acceptance) int { return cmp.Compare(a.conversationID, b.conversationID) })
	err = s.atomically(ctx, func(u *unit) error {
		if err := s.meetThreads(ctx, u, all, alone); err != nil {
			return err
		}
		now := s.now()
		var accepted []*acceptance
		if accepted, held = decide(all, now); len(accepted) == 0 {
			return nil
		}
		return s.keepAccepted(ctx, u, accepted, now, ready)
	})
	return held, err
}

// decide returns what is accepted and what cannot be told yet, and gives all others
// their answer. Of two with one key the second is told that the first is still
// being worked on.
func decide(all []*acceptance, now time.Time) (accepted, held []*acceptance) {
	type key struct {
		orgID int64
		key   string
	}
	taken := map[key]bool{}
	for _, a := range all {
		if k := (key{a.orgID, a.key.key}); k.key != "" && a.key.free {
			a.key.free = !taken[k]
			taken[k] = true
		}
		var replayed bool
		replayed, a.fault = a.key.replay(&a.receipt)
		switch {
		case replayed || a.fault != nil:
		case a.held:
			held = append(held, a)
		default:
			a.fault = a.check(a.thread, now)
			a.accepted = a.fault == nil
		}
		if a.accepted {
			accepted = append(accepted, a)
		}
	}
	return accepted, held
}

// keepAccepted makes the jobs, then writes the messages and commits.
func (s *Store) keepAccepted(ctx context.Context, u *unit, accepted []*acceptance, now time.Time, ready func() error) error {
	n := len(accepted)
	jobs, rows, keys := make([]job.New, n), make([]sendRow, n), make([]*onceKey, n)
	for i, a := range accepted {
		var parent string
		parent, a.span = a.follow(a.asked)
		rows[i] = sendRow{outbound: a.outbound, id: a.messageID, channelID: a.thread.channelID, trace: parent}
		jobs[i], keys[i] = a.job(a.thread, a.messageID), a.key
		jobs[i].Trace = parent
	}
	ids, err := s.jobs.Insert(ctx, u.tx, jobs...)
	if err != nil {
		return err
	}
	for i, a := range accepted {
		rows[i].jobID = ids[i]
		a.receipt = inbox.Receipt{MessageID: a.messageID, Status: inbox.Queued.String(), JobID: ids[i], JobState: job.Ready.String()}
		if err := a.key.settle(a.receipt); err != nil {
			return fmt.Errorf("conversation %d: %w", a.conversationID, err)
		}
	}
	b := u.batch()
	queueSends(b, now, rows)
	s.queueAnswers(b, keys...)
	if err := ready(); err != nil {
		return err
	}
	return u.commit(ctx, b)
}
