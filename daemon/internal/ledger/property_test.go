package ledger_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// storm is a fleet at work: two workers, both lanes at 50 %, copies delivered
// twice, late or never, everything recalled again and again, failures and
// releases. It is what the model does one step at a time, all at once.
type storm struct {
	b    *bundle
	fail func(format string, args ...any)

	mu     sync.Mutex
	copies []job.Ticket
	held   map[int64]map[job.Ticket]bool // by worker: what the pool would know
	live   map[int64]int                 // executions per job
	busy   map[int64]int                 // executions per conversation
	sends  map[int64]int
	order  map[int64][]int64 // first sends per conversation
}

// If this breaks, load alone makes customers get messages twice or swapped.
func TestStorm(t *testing.T) {
	t.Parallel()
	const jobs, conversations = 160, 10
	s := &storm{
		b: setup(t), fail: t.Errorf, held: map[int64]map[job.Ticket]bool{}, live: map[int64]int{}, busy: map[int64]int{},
		sends: map[int64]int{}, order: map[int64][]int64{},
	}
	var added []job.New
	for i := range jobs {
		added = append(added, job.New{SerialKey: int64(1 + i%conversations)})
	}
	ids := s.b.add(t, added...)
	ctx, cancel := context.WithTimeout(t.Context(), 130*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for _, w := range []int64{s.b.w1, s.b.w2} {
		s.held[w] = map[job.Ticket]bool{}
		c := s.b.committer(t, w)
		wg.Go(func() { s.deliver(ctx, w, c) })
		wg.Go(func() { s.deliver(ctx, w, c) })
		wg.Go(func() { s.take(ctx, w, c) })
	}
	wg.Go(func() { s.dispatch(ctx) })
	wg.Go(func() { s.disturb(ctx) })
	require.Eventually(t, func() bool {
		return t.Failed() || s.b.count(t, `SELECT count(*) FROM job_history`) == jobs
	}, 2*time.Minute, 20*time.Millisecond)
	cancel()
	wg.Wait()
	for _, id := range ids {
		require.Equal(t, 1, s.sends[id], "job %d", id)
	}
	for conversation, got := range s.order {
		require.True(t, slices.IsSorted(got), "conversation %d: %v", conversation, got)
	}
	require.Zero(t, s.b.count(t, `SELECT count(*) FROM jobs`))
}

func pick(from, to int) job.Pick {
	p := all(4)
	p.DialFrom, p.DialTo = from, to
	return p
}

func (s *storm) check(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.fail("%s: %v", what, err)
	}
}

// dispatch fills the redis lane; one copy in ten is lost on the way.
func (s *storm) dispatch(ctx context.Context) {
	for ctx.Err() == nil {
		got, err := s.b.Dispatch(ctx, pick(0, 50), s.b.w1)
		s.check(ctx, "dispatch", err)
		s.mu.Lock()
		for _, t := range tickets(got) {
			if rand.IntN(10) > 0 {
				s.copies = append(s.copies, t)
			}
		}
		s.mu.Unlock()
		breathe(ctx)
	}
}

// deliver brings recent copies to a worker, most of them more than once.
func (s *storm) deliver(ctx context.Context, worker int64, c *ledger.Committer) {
	for ctx.Err() == nil {
		t, ok := s.enter(worker)
		if !ok {
			breathe(ctx)
			continue
		}
		claimed, ok, err := c.Start(ctx, t)
		s.check(ctx, "start", err)
		if ok {
			s.execute(ctx, claimed, c)
		}
		s.leave(worker, t)
	}
}

func (s *storm) enter(worker int64) (t job.Ticket, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.copies) == 0 {
		return t, false
	}
	t = s.copies[len(s.copies)-1-rand.IntN(min(12, len(s.copies)))]
	if s.held[worker][t] {
		return t, false
	}
	s.held[worker][t] = true
	return t, true
}

func (s *storm) leave(worker int64, t job.Ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held[worker], t)
}

func (s *storm) take(ctx context.Context, worker int64, c *ledger.Committer) {
	for ctx.Err() == nil {
		got, err := s.b.Take(ctx, pick(50, 100), worker)
		s.check(ctx, "take", err)
		var wg sync.WaitGroup
		for _, claimed := range got {
			wg.Go(func() { s.execute(ctx, claimed, c) })
		}
		wg.Wait()
		breathe(ctx)
	}
}

// execute sends, or fails before it could. The outcome is recorded in any case.
func (s *storm) execute(ctx context.Context, c job.Claimed, committer *ledger.Committer) {
	s.mu.Lock()
	s.live[c.ID]++
	s.busy[c.SerialKey]++
	if s.live[c.ID] > 1 || s.busy[c.SerialKey] > 1 {
		s.fail("job %d runs %d times, its conversation %d times", c.ID, s.live[c.ID], s.busy[c.SerialKey])
	}
	r := job.Result{Verdict: job.Succeed}
	switch n := rand.IntN(10); {
	case n == 0 && c.Attempt < c.MaxAttempts:
		r = job.Result{Verdict: job.Retry, Class: job.ClassNotSent}
	case n < 3:
		r = job.Result{Verdict: job.Release}
	default:
		s.sends[c.ID]++
		if s.sends[c.ID] == 1 {
			s.order[c.SerialKey] = append(s.order[c.SerialKey], c.ID)
		}
	}
	s.live[c.ID]--
	s.busy[c.SerialKey]--
	s.mu.Unlock()
	ok, err := committer.Finish(context.WithoutCancel(ctx), c, r)
	s.check(ctx, "finish", err)
	if !ok {
		s.fail("the outcome of job %d was refused", c.ID)
	}
}

// disturb recalls everything at any moment and lets back-off times pass.
func (s *storm) disturb(ctx context.Context) {
	for ctx.Err() == nil {
		_, err := s.b.RecallOlder(ctx, "test", 0)
		s.check(ctx, "recall", err)
		_, err = s.b.pool.Exec(ctx, `UPDATE jobs SET run_at = clock_timestamp() WHERE state = 0`)
		s.check(ctx, "let time pass", err)
		_, err = s.b.poll(ctx)
		s.check(ctx, "poll", err)
		for range 5 {
			breathe(ctx)
		}
	}
}

// breathe gives the others a turn: a millisecond, or the end.
func breathe(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Millisecond):
	}
}

// One job that kills every worker it meets must not do so for ever: it is put
// aside after the third, whatever attempts it has left.
func TestPoisonousJobDies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{Type: job.RunAutomation})[0]
	p := all(1)
	p.Type = job.RunAutomation
	for range 3 {
		w := b.register(t)
		got, err := b.Take(t.Context(), p, w)
		require.NoError(t, err)
		require.Len(t, got, 1)
		_, dead, err := b.DeclareDead(t.Context(), w, 0)
		require.NoError(t, err)
		require.True(t, dead)
		_, err = b.Orphans(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, job.Dead, b.state(t, id))
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM job_events WHERE job_id = $1 AND kind = 1 AND attempt = 1`, id), "a death costs no attempt")
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM job_events WHERE job_id = $1 AND kind = 2 AND error_class = 'poison'`, id))
}

// A cut-off worker whose job was called uncertain comes back and says that it
// never began: its own word settles the doubt, or an operator would have to.
func TestLateReleaseSettlesUncertain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{SubjectID: 4})[0]
	c := b.take(t, 1)[0]
	_, _, err := b.DeclareDead(t.Context(), b.w1, 0)
	require.NoError(t, err)
	_, err = b.Orphans(t.Context())
	require.NoError(t, err)
	require.Equal(t, job.Uncertain, b.state(t, id))
	ok, err := b.committer(t, b.w1).Finish(t.Context(), c, job.Result{Verdict: job.Release})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, job.Ready, b.state(t, id))
	require.Zero(t, b.count(t, `SELECT attempt FROM jobs WHERE id = $1`, id))
}

// A worker wrongly declared dead reports at last, when its job runs elsewhere
// or is dead: its word must not touch what is no longer its own.
func TestLateReportsTouchNothing(t *testing.T) {
	t.Parallel()
	for _, v := range []job.Verdict{job.Succeed, job.Retry, job.Throttle, job.Fail, job.Doubt, job.Release} {
		for _, given := range []string{"running elsewhere", "dead"} {
			b := setup(t)
			id := b.add(t, job.New{SubjectID: 4})[0]
			old := b.take(t, 1)[0]
			want := job.Dead
			b.exec(t, `UPDATE jobs SET state = 6, worker_id = NULL WHERE id = $1`, id)
			if given == "running elsewhere" {
				want = job.Running
				b.exec(t, `UPDATE jobs SET state = 1 WHERE id = $1`, id)
				_, err := b.Take(t.Context(), all(1), b.w2)
				require.NoError(t, err)
			}
			ok, err := b.committer(t, b.w1).Finish(t.Context(), old, job.Result{Verdict: v})
			require.NoError(t, err)
			require.False(t, ok, "verdict %d, %s", v, given)
			require.Equal(t, want, b.state(t, id))
			require.Zero(t, b.count(t, `SELECT count(*) FROM job_events`)+b.count(t, `SELECT count(*) FROM job_history`))
		}
	}
}
