package ledger_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// A start that is missed here lets an org send one message too many after Redis
// has lost its data; one that is counted twice holds a message back.
func TestStarts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	commit := b.committer(t, b.w1)
	finish := func(c job.Claimed, r job.Result) {
		t.Helper()
		kept, err := commit.Finish(t.Context(), c, r)
		require.NoError(t, err)
		require.True(t, kept)
	}
	count := func(s job.Span) int {
		t.Helper()
		starts, err := b.Starts(t.Context(), []job.Span{s})
		require.NoError(t, err)
		return len(starts[s])
	}
	texts := job.Span{OrgID: 1, Action: job.ActionSendText, Window: time.Minute}
	require.Zero(t, count(texts))

	b.add(t, make([]job.New, 8)...)
	require.Zero(t, count(texts), "waiting is no start")
	claimed := b.take(t, 6)
	require.Equal(t, 6, count(texts), "running")
	finish(claimed[0], job.Result{Verdict: job.Succeed, Class: job.ClassOK})
	finish(claimed[1], job.Result{Verdict: job.Retry, Class: job.ClassTransient})
	finish(claimed[2], job.Result{Verdict: job.Throttle, Class: job.ClassThrottlePair})
	finish(claimed[3], job.Result{Verdict: job.Fail, Class: job.ClassTransient})
	finish(claimed[4], job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous})
	require.Equal(t, 6, count(texts), "done, to be tried again, throttled, dead, uncertain, running: each has left once")
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		_, err := b.Settle(t.Context(), tx, []job.Settlement{{ID: claimed[4].ID, Epoch: claimed[4].Epoch}})
		return err
	}))
	require.Equal(t, inHistory, b.state(t, claimed[4].ID))
	require.Equal(t, 6, count(texts), "settled: in events and in history, but one start")
	require.Len(t, b.dispatch(t, 2), 2)
	require.Equal(t, 8, count(texts), "handed out")

	b.add(t, job.New{Queue: job.Instagram}, job.New{Type: job.SendTemplate}, job.New{OrgID: 2})
	for _, p := range []job.Pick{
		{Queue: job.Instagram, Type: job.SendMessage, DialTo: 100, Shares: []job.Share{{OrgID: 1, Limit: 1}}},
		{Queue: job.WhatsApp, Type: job.SendTemplate, DialTo: 100, Shares: []job.Share{{OrgID: 1, Limit: 1}}},
		{Queue: job.WhatsApp, Type: job.SendMessage, DialTo: 100, Shares: []job.Share{{OrgID: 2, Limit: 1}}},
	} {
		got, err := b.Take(t.Context(), p, b.w1)
		require.NoError(t, err)
		require.Len(t, got, 1)
	}
	templates, rival := job.Span{OrgID: 1, Action: job.ActionSendTemplate, Window: time.Minute}, texts
	rival.OrgID = 2
	starts, err := b.Starts(t.Context(), []job.Span{texts, templates, rival, {OrgID: 1, Action: job.ActionAssign, Window: time.Minute}})
	require.NoError(t, err)
	require.Len(t, starts[texts], 9, "both channels share the number")
	require.Len(t, starts[templates], 1)
	require.Len(t, starts[rival], 1)

	b.exec(t, `UPDATE job_history SET started_at = started_at - interval '2 minutes' WHERE id = $1`, claimed[0].ID)
	require.Equal(t, 8, count(texts), "older than the window")
	hour := texts
	hour.Window = time.Hour
	require.Equal(t, 9, count(hour))
}
