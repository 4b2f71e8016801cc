package ledger_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// If this breaks, two texts to the same customer can arrive swapped, or a
// conversation is stuck behind a job that nobody will ever run.
func TestConversationOrder(t *testing.T) {
	t.Parallel()
	conversation := func(p job.Priority) job.New { return job.New{SerialKey: 7, Priority: p} }
	cases := []struct {
		name  string
		jobs  []job.New
		given string // SQL on the older job, $1
		want  []int  // positions that may start now
	}{
		{"OldestFirst", []job.New{conversation(1), conversation(1)}, "", []int{0}},
		{"OthersAreFree", []job.New{conversation(1), {SerialKey: 8}, {}}, "", []int{0, 1, 2}},
		{"BetterPriorityOvertakes", []job.New{conversation(3), conversation(1)}, "", []int{1}},
		{"WaitsForRunning", []job.New{conversation(1), conversation(1)}, "UPDATE jobs SET state = 3 WHERE id = $1", nil},
		{"WaitsForWorseRunning", []job.New{conversation(3), conversation(1)}, "UPDATE jobs SET state = 3 WHERE id = $1", nil},
		{"WaitsForDispatched", []job.New{conversation(1), conversation(1)}, "UPDATE jobs SET state = 2 WHERE id = $1", nil},
		{"WaitsForHeld", []job.New{conversation(1), conversation(1)}, "UPDATE jobs SET state = 5 WHERE id = $1", nil},
		{"WaitsForRetrying", []job.New{conversation(1), conversation(1)}, "UPDATE jobs SET state = 0, epoch = 1 WHERE id = $1", nil},
		{"NotForWorseHeld", []job.New{conversation(3), conversation(1)}, "UPDATE jobs SET state = 5 WHERE id = $1", []int{1}},
		{"NotForNeverHandedOut", []job.New{conversation(1), conversation(1)}, "UPDATE jobs SET state = 0 WHERE id = $1", []int{1}},
		{"NotForUncertain", []job.New{conversation(1), conversation(1)}, "UPDATE jobs SET state = 4 WHERE id = $1", []int{1}},
		{"NotForDead", []job.New{conversation(1), conversation(1)}, "UPDATE jobs SET state = 6 WHERE id = $1", []int{1}},
		{"OtherQueueIsFree", []job.New{{SerialKey: 7, Queue: job.Instagram}, conversation(1)}, "UPDATE jobs SET state = 3 WHERE id = $1", []int{1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			added := b.add(t, c.jobs...)
			if c.given != "" {
				b.exec(t, c.given, added[0])
			}
			var want []int64
			for _, i := range c.want {
				want = append(want, added[i])
			}
			got := ids(b.take(t, 10))
			slices.Sort(got)
			require.Equal(t, want, got)
		})
	}
}

// Eight claimers race over a few conversations: never two jobs of one
// conversation at a time, and always in order.
func TestConcurrentClaimsKeepOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const conversations, each = 6, 15
	var jobs []job.New
	for i := range conversations * each {
		jobs = append(jobs, job.New{SerialKey: int64(1 + i%conversations)})
	}
	b.add(t, jobs...)
	var (
		mu     sync.Mutex
		busy   = map[int64]bool{}
		starts = map[int64][]int64{}
		wg     sync.WaitGroup
	)
	finish := b.committer(t, b.w1)
	left := conversations * each
	for range 8 {
		wg.Go(func() {
			for {
				mu.Lock()
				done := left == 0
				mu.Unlock()
				if done || t.Context().Err() != nil {
					return
				}
				got, err := b.Take(t.Context(), all(3), b.w1)
				if err != nil {
					t.Errorf("take: %v", err)
					return
				}
				for _, c := range got {
					mu.Lock()
					if busy[c.SerialKey] {
						t.Errorf("conversation %d has two jobs at once", c.SerialKey)
					}
					busy[c.SerialKey] = true
					starts[c.SerialKey] = append(starts[c.SerialKey], c.ID)
					mu.Unlock()
				}
				for _, c := range got {
					mu.Lock()
					busy[c.SerialKey] = false
					left--
					mu.Unlock()
					if _, err := finish.Finish(t.Context(), c, job.Result{Verdict: job.Succeed}); err != nil {
						t.Errorf("finish: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	for key, got := range starts {
		require.True(t, slices.IsSorted(got), "conversation %d ran out of order: %v", key, got)
		require.Len(t, got, each)
	}
}

// The dial splits conversations, not jobs: both halves together take
// everything, and a conversation never travels by both lanes at once.
func TestDialSplitsConversations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var jobs []job.New
	for i := range 200 {
		jobs = append(jobs, job.New{SerialKey: int64(1 + i)})
	}
	b.add(t, jobs...)
	half := all(200)
	half.DialTo = 40
	byRedis, err := b.Dispatch(t.Context(), half, b.w1)
	require.NoError(t, err)
	half.DialFrom, half.DialTo = 40, 100
	byPostgres, err := b.Take(t.Context(), half, b.w1)
	require.NoError(t, err)
	require.Len(t, byPostgres, 200-len(byRedis))
	require.InDelta(t, 80, len(byRedis), 35)
}

// A worker that others have declared dead must not take new work.
func TestDeadWorkerTakesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	added := b.add(t, job.New{}, job.New{})
	tickets := b.dispatch(t, 1)
	_, dead, err := b.DeclareDead(t.Context(), b.w1, 0)
	require.NoError(t, err)
	require.True(t, dead)
	require.Empty(t, b.take(t, 10))
	_, ok, err := b.committer(t, b.w1).Start(t.Context(), tickets[0])
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, job.Ready, b.state(t, added[1]))
}

func TestPollPromotesAndListsBacklog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t,
		job.New{OrgID: 3}, job.New{OrgID: 1}, job.New{OrgID: 1},
		job.New{OrgID: 2, Queue: job.Instagram},
		job.New{OrgID: 4, RunAt: time.Now().Add(time.Hour)})
	due := b.add(t, job.New{OrgID: 5, RunAt: time.Now().Add(time.Hour)})
	b.exec(t, "UPDATE jobs SET run_at = now() - interval '1 s' WHERE id = $1", due[0])
	_, err := b.poll(t.Context())
	require.NoError(t, err)
	b.dispatch(t, 1)
	got, err := b.poll(t.Context())
	require.NoError(t, err)
	w, i, m := job.WhatsApp, job.Instagram, job.SendMessage
	require.Equal(t, []job.Backlog{
		{Queue: w, Type: m, OrgID: 1}, {Queue: w, Type: m, OrgID: 3}, {Queue: w, Type: m, OrgID: 5}, {Queue: i, Type: m, OrgID: 2},
	}, got.Backlog)
	require.Equal(t, map[job.Queue]int{job.WhatsApp: 1}, got.OnRedis)
	require.Equal(t, map[job.OrgInQueue]int{{OrgID: 1, Queue: job.WhatsApp}: 1}, got.UnderWay)
	require.Equal(t, 16, got.Slots)
}

// More orgs than one look lists are walked in pages, each of them once, and then
// from the beginning.
func TestPollWalksALongBacklog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const orgs = 2500
	b.exec(t, `INSERT INTO jobs (org_id, queue, job_type, priority, state, max_attempts, ready_at, deadline_at)
SELECT i, 1, 1, 1, 1, 5, now(), now() + interval '1 day' FROM generate_series(1, $1::int) i`, orgs)
	p := b.NewPoller()
	for range 2 {
		seen := map[int64]bool{}
		for page := range 3 {
			view, err := p.Poll(t.Context())
			require.NoError(t, err)
			require.Equal(t, page, view.Page)
			require.Equal(t, page < 2, view.More)
			for _, l := range view.Backlog {
				require.False(t, seen[l.OrgID])
				seen[l.OrgID] = true
			}
		}
		require.Len(t, seen, orgs)
	}
}
