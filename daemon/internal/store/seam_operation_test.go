package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// does carries an operation out and returns how it ended.
func (s *seam) does(r operation.Request) (o operation.Operation) {
	s.tb.Helper()
	r.Actor = "ana"
	o, err := s.ledger.PlanOperation(s.ctx, r)
	require.NoError(s.tb, err)
	_, err = s.ledger.CommitOperation(s.ctx, 0, o.ID, operation.Terms{})
	require.NoError(s.tb, err)
	require.Eventually(s.tb, func() bool {
		o, err = s.ledger.Operation(s.ctx, 0, o.ID)
		return err == nil && o.State.Ended()
	}, 30*time.Second, 5*time.Millisecond)
	require.Equal(s.tb, operation.Done, o.State, o.Error)
	return o
}

func (s *seam) runner() {
	s.tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.ctx))
	done := make(chan struct{})
	go func() { s.ledger.RunOperations(ctx, func() {}); close(done) }()
	s.tb.Cleanup(func() { cancel(); <-done })
}

// messageRow is a message as it is, every column of it.
func (s *seam) messageRow(id int64) (text string) {
	s.tb.Helper()
	require.NoError(s.tb, s.pool.QueryRow(s.ctx, `SELECT to_jsonb(m)::text FROM messages m WHERE id = $1`, id).Scan(&text))
	return text
}

// An operation takes messages with their jobs, and its undo brings them back as
// they were, every column of them.
func TestOperationsTakeTheirMessages(t *testing.T) {
	t.Parallel()
	failed := func(s *seam, r inbox.Receipt) {
		s.finish(s.take(1)[0], job.Result{Verdict: job.Fail, Class: job.ClassMedia, Code: 131_053, Detail: "no such picture"})
		require.Equal(t, inbox.Failed, s.message(r.MessageID).Status)
	}
	held := func(s *seam, _ inbox.Receipt) { s.does(operation.Request{Kind: operation.Hold}) }
	for name, c := range map[string]struct {
		kind  operation.Kind
		first func(*seam, inbox.Receipt)
		left  inbox.MessageStatus
	}{
		"RetryOfDead":   {operation.Retry, failed, inbox.Queued},
		"DiscardOfDead": {operation.Discard, failed, inbox.Failed},
		"Cancel":        {operation.Cancel, func(*seam, inbox.Receipt) {}, inbox.Failed},
		"DiscardOfHeld": {operation.Discard, held, inbox.Failed},
		"Hold":          {operation.Hold, func(*seam, inbox.Receipt) {}, inbox.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wire(t)
			s.runner()
			r := s.reply(s.customerAsks("US." + name))
			c.first(s, r)
			before := s.messageRow(r.MessageID)
			o := s.does(operation.Request{Kind: c.kind, Filter: inspect.Filter{OrgIDs: []int64{s.org.ID}}})
			require.Equal(t, int64(1), o.Done)
			require.Equal(t, c.left, s.message(r.MessageID).Status)
			u := s.does(operation.Request{Kind: operation.Undo, Undo: o.ID})
			require.Equal(t, int64(1), u.Done, u.Skipped)
			require.Equal(t, before, s.messageRow(r.MessageID))
		})
	}
}

// An agent who sends a cancelled message again gives it another job: an undo must
// not send it twice.
func TestUndoDoesNotSendTwice(t *testing.T) {
	t.Parallel()
	s := wire(t)
	s.runner()
	r := s.reply(s.customerAsks("US.1"))
	o := s.does(operation.Request{Kind: operation.Cancel})
	again, err := s.RetryMessage(s.ctx, inbox.MessageRetry{OrgID: s.org.ID, MessageID: r.MessageID, UserID: s.user.ID})
	require.NoError(t, err)
	require.NotEqual(t, r.JobID, again.JobID)
	u := s.does(operation.Request{Kind: operation.Undo, Undo: o.ID})
	require.Zero(t, u.Done)
	require.Equal(t, []operation.Skip{{Reason: "changed", N: 1}}, u.Skipped)
	require.Equal(t, again.JobID, s.take(1)[0].ID, "one job, one send")
}
