package worker_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// fakeCooler remembers what was to be left alone.
type fakeCooler struct {
	mu  sync.Mutex
	all []job.Cooldown
}

func (c *fakeCooler) CoolDown(_ context.Context, cool job.Cooldown) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, cool)
	return true, nil
}

// attempts runs one attempt after the other, each on its channel, and returns
// what was recorded.
func attempts(t *testing.T, c *fakeCooler, jobs []job.Claimed, result func(job.Claimed) job.Result) (*worker.Pool, []outcome) {
	t.Helper()
	p := parts{}
	recorder := &fakeRecorder{}
	processors := map[job.Type]worker.Processor{}
	for _, typ := range job.Types() {
		processors[typ] = process(func(_ context.Context, c job.Claimed) job.Result { return result(c) })
	}
	pool, err := worker.New(worker.Options{
		Slots: 1, Processors: processors, Recorder: recorder, Recaller: &fakeRecaller{}, Cooler: c, Logger: p.logger(),
	})
	require.NoError(t, err)
	for i, j := range jobs {
		require.Eventually(t, func() bool { return pool.Reserve(j.Queue, 1) == 1 }, patience, time.Millisecond)
		pool.Run(t.Context(), j)
		require.Eventually(t, func() bool { return len(recorder.outcomes()) == i+1 }, patience, time.Millisecond)
	}
	return pool, recorder.outcomes()
}

func onChannels(n, channels int, q job.Queue, typ job.Type) (jobs []job.Claimed) {
	for i := range n {
		c := claimed(int64(1 + i))
		c.Queue, c.Type, c.ChannelID = q, typ, int64(1+i%channels)
		jobs = append(jobs, c)
	}
	return jobs
}

// A throttle cools down what Meta named, for every process, and nothing else.
func TestThrottleCoolsItsScope(t *testing.T) {
	t.Parallel()
	c := &fakeCooler{}
	attempts(t, c, onChannels(1, 1, job.WhatsApp, job.SendMessage), func(job.Claimed) job.Result {
		return job.Result{Verdict: job.Throttle, Class: job.ClassThrottleNumber, Scope: job.ScopeNumber, Code: 130429}
	})
	require.Equal(t, []job.Cooldown{{Scope: job.ScopeNumber, Queue: job.WhatsApp, ChannelID: 1, Class: job.ClassThrottleNumber, Code: 130429}}, c.all)
}

// When Meta is down its silence must not use up the attempts of every message
// there is: after ten silent attempts they wait, and one at a time asks. An
// answer, whatever it says, ends it.
func TestOutageBurnsNoAttempts(t *testing.T) {
	t.Parallel()
	c := &fakeCooler{}
	silent := job.Result{Verdict: job.Retry, Class: job.ClassNotSent, Detail: "connection refused"}
	pool, got := attempts(t, c, onChannels(15, 3, job.WhatsApp, job.SendMessage), func(job.Claimed) job.Result { return silent })
	for i, o := range got {
		want := job.Retry
		if i >= 9 {
			want = job.Throttle
		}
		require.Equal(t, want, o.result.Verdict, "attempt %d", i+1)
	}
	require.True(t, pool.Probing(job.WhatsApp))
	require.False(t, pool.Probing(job.Instagram))
	require.Equal(t, job.ScopeProvider, c.all[0].Scope)

	pool, _ = attempts(t, &fakeCooler{}, onChannels(15, 3, job.WhatsApp, job.SendMessage), func(c job.Claimed) job.Result {
		if c.ID == 15 {
			return job.Result{Verdict: job.Fail, Class: job.ClassRecipientUnreachable, Code: 131026}
		}
		return silent
	})
	require.False(t, pool.Probing(job.WhatsApp))
}

// One org with a broken account must not stop the others: what only its channel
// meets cools only its channel.
func TestSilenceOfOneChannelIsItsOwn(t *testing.T) {
	t.Parallel()
	c := &fakeCooler{}
	pool, got := attempts(t, c, onChannels(12, 1, job.WhatsApp, job.SendMessage), func(job.Claimed) job.Result {
		return job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous}
	})
	require.False(t, pool.Probing(job.WhatsApp))
	for _, cool := range c.all {
		require.Equal(t, job.ScopeNumber, cool.Scope)
		require.Equal(t, int64(1), cool.ChannelID)
	}
	for _, o := range got {
		require.Equal(t, job.Doubt, o.result.Verdict, "doubt stays doubt")
	}
}

// Answers that blame the message count, and our own trouble is nobody's silence.
func TestWhatIsNoSilence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		queue  job.Queue
		typ    job.Type
		result job.Result
	}{
		"CodedTransient": {job.WhatsApp, job.SendMessage, job.Result{Verdict: job.Retry, Class: job.ClassTransient, Code: 131000}},
		"OwnTrouble":     {job.WhatsApp, job.SendMessage, job.Result{Verdict: job.Throttle, Class: job.ClassTransient}},
		"Automations":    {job.Automations, job.RunAutomation, job.Result{Verdict: job.Retry, Class: job.ClassTransient}},
		"Released":       {job.WhatsApp, job.SendMessage, job.Result{Verdict: job.Release, Class: job.ClassNotSent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cooler := &fakeCooler{}
			pool, got := attempts(t, cooler, onChannels(15, 5, c.queue, c.typ), func(job.Claimed) job.Result { return c.result })
			require.False(t, pool.Probing(c.queue))
			require.Empty(t, cooler.all)
			require.Equal(t, c.result.Verdict, got[14].result.Verdict)
		})
	}
}
