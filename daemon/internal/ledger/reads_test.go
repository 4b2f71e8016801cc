package ledger_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// mixed fills the ledger with jobs of two orgs in every place a job can be in.
func (b *bundle) mixed(tb testing.TB) {
	tb.Helper()
	b.withOrgs(tb)
	b.exec(tb, `
INSERT INTO jobs (org_id, user_id, queue, job_type, priority, state, attempt, epoch, max_attempts, error_class, error_code, last_error, ready_at, started_at, created_at, deadline_at)
SELECT 1 + n % 2, nullif(n % 3, 2), 1 + n % 2, 1 + (n % 4) / 2 * (1 - n % 2), 1 + n % 3, n % 7, (n / 7) % 3, (n / 7) % 2, 5,
       CASE WHEN n % 7 IN (4, 6) OR (n % 7 = 0 AND (n / 7) % 3 > 0) THEN (ARRAY['media', 'transient'])[1 + n % 2] END, CASE WHEN n % 5 = 0 THEN 131026 END,
       'job ' || n || ' is refused' || CASE WHEN n % 11 = 0 THEN ' again' ELSE '' END, now(), now() - n * interval '1 minute', now() - n * interval '1 minute', now()
FROM generate_series(0, 279) n`)
	b.exec(tb, `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, finished_at)
SELECT 1000 + n, 1 + n % 2, 1, 1, 1, 1 + n % 3, 1, 1, 1, now() - n * interval '1 minute', now() - n * interval '1 minute' + interval '1 s' FROM generate_series(0, 59) n`)
}

// chosen says what a filter means, without an index.
func chosen(f inspect.Filter, j inspect.Job) bool {
	none := len(f.States) == 0 && len(f.Outcomes) == 0 && !f.Retrying
	state := none && (j.Outcome == 0 || len(f.IDs) > 0 && len(f.Sigs) == 0)
	if j.Outcome == 0 {
		state = state || slices.Contains(f.States, j.State) || f.Retrying && j.State == job.Scheduled && j.Attempt > 0
	} else {
		state = state || slices.Contains(f.Outcomes, j.Outcome)
	}
	in := func(n int, yes bool) bool { return n == 0 || yes }
	return state && in(len(f.OrgIDs), slices.Contains(f.OrgIDs, j.OrgID)) && in(len(f.Queues), slices.Contains(f.Queues, j.Queue)) &&
		in(len(f.Types), slices.Contains(f.Types, j.Type)) && in(len(f.IDs), slices.Contains(f.IDs, j.ID)) &&
		in(len(f.Classes), slices.Contains(f.Classes, j.Class)) && in(len(f.Sigs), slices.Contains(f.Sigs, j.Sig)) &&
		(f.Since.IsZero() || !j.CreatedAt.Before(f.Since))
}

func pickSome[T any](r *rand.Rand, from []T) (some []T) {
	for _, x := range from {
		if r.IntN(3) == 0 {
			some = append(some, x)
		}
	}
	return some
}

// Whatever places a list, a count or a group looks in, what comes out must be
// what was asked for: each job once, in order, over pages of any size.
func TestReadsAgree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mixed(t)
	all, err := b.JobList(t.Context(), inspect.Filter{States: job.States(), Outcomes: []job.Outcome{1, 2, 3}, Limit: 1000})
	require.NoError(t, err)
	require.Len(t, all, 340)
	sigs := map[string]bool{}
	for _, j := range all {
		if j.Sig != "" {
			sigs[j.Sig] = true
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		f := inspect.Filter{
			OrgIDs: pickSome(r, []int64{1, 2}), Queues: pickSome(r, []job.Queue{1, 2}), States: pickSome(r, job.States()),
			Retrying: r.IntN(4) == 0, Outcomes: pickSome(r, []job.Outcome{1, 2, 3}),
		}
		switch r.IntN(5) {
		case 0:
			f.Sigs, f.Outcomes = pickSome(r, slices.Sorted(maps.Keys(sigs))), nil
		case 1:
			f.Classes = []job.Class{job.ClassMedia}
		case 2:
			f.Since = all[100].CreatedAt
		case 3:
			f.IDs = []int64{all[3].ID, all[50].ID, all[339].ID}
		}
		b.agree(t, f, all)
	}
}

func (b *bundle) agree(t *testing.T, f inspect.Filter, all []inspect.Job) {
	t.Helper()
	var want []int64
	byState, bySig := map[string]int64{}, map[string]int64{}
	for _, j := range all {
		if !chosen(f, j) {
			continue
		}
		want = append(want, j.ID)
		byState[j.Word()]++
		if j.Sig != "" && (j.State == job.Dead || j.State == job.Uncertain || j.State == job.Scheduled) {
			bySig[j.Sig]++
		}
	}
	var got []int64
	for page := f; ; {
		page.Limit = 37
		jobs, err := b.JobList(t.Context(), page)
		require.NoError(t, err)
		if len(jobs) == 0 {
			break
		}
		got = append(got, jobIDs(jobs)...)
		page.Before = jobs[len(jobs)-1].ID
	}
	require.Equal(t, want, got, "%+v", f)
	counts, err := b.JobCount(t.Context(), f, inspect.ByState)
	require.NoError(t, err)
	counted := map[string]int64{}
	for _, c := range counts {
		require.False(t, c.Partial)
		counted[c.Word] = c.N
	}
	require.Equal(t, byState, counted, "%+v", f)
	if len(f.Outcomes) > 0 || len(f.IDs) > 0 {
		return
	}
	groups, err := b.ErrorGroups(t.Context(), f)
	require.NoError(t, err)
	grouped := map[string]int64{}
	for _, g := range groups {
		grouped[g.Sig] = g.N
		require.NotEmpty(t, g.Text)
	}
	require.Equal(t, bySig, grouped, "%+v", f)
	require.True(t, slices.IsSortedFunc(groups, func(a, b inspect.Group) int { return cmp.Compare(b.N, a.N) }))
}

// A count must be by what was asked for, with the public words.
func TestJobCountWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mixed(t)
	for by, want := range map[inspect.By][]string{
		inspect.ByOrg: {"acme", "globex"}, inspect.ByQueue: {"instagram", "whatsapp"}, inspect.ByType: {"send_message", "send_template"},
		inspect.ByError: {"", "media", "transient"}, inspect.ByNothing: {""},
	} {
		counts, err := b.JobCount(t.Context(), inspect.Filter{}, by)
		require.NoError(t, err)
		var words []string
		n := int64(0)
		for _, c := range counts {
			words, n = append(words, c.Word), n+c.N
		}
		slices.Sort(words)
		require.Equal(t, want, words)
		require.Equal(t, int64(280), n, by)
	}
}

// The signature of an error is what it has in common with others: not the
// numbers in it. It is stored, and pasted into runbooks: it may never change.
func TestErrorSignature(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sig := func(class string, code any, text string) (s string) {
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT error_signature($1, $2, $3)`, class, code, text).Scan(&s))
		return s
	}
	require.Equal(t, sig("media", 131052, "download of 1234567 failed: trace AbC1xYz"), sig("media", 131052, "download of 77 failed: trace Q9"))
	require.NotEqual(t, sig("media", 131052, "x"), sig("media", 131053, "x"))
	require.NotEqual(t, sig("media", 131052, "x"), sig("transient", 131052, "x"))
	require.NotEqual(t, sig("media", nil, "too large"), sig("media", nil, "too small"))
	require.Len(t, sig("media", nil, ""), 8)
}

// What is asked while an incident is on may depend on what is shown, not on how
// much lies in the tables.
func TestReadsUseTheirIndexes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.flood(t, 20_000, 50_000)
	for name, c := range map[string]struct {
		most int // rows read
		ask  func() error
	}{
		"AllLive": {5000, func() error { _, err := b.JobList(t.Context(), inspect.Filter{Limit: 51}); return err }},
		"Dead": {5000, func() error {
			_, err := b.JobList(t.Context(), inspect.Filter{Limit: 51, States: []job.State{job.Dead}})
			return err
		}},
		"DeadOfOne": {5000, func() error {
			_, err := b.JobList(t.Context(), inspect.Filter{Limit: 51, States: []job.State{job.Dead}, OrgIDs: []int64{1}})
			return err
		}},
		"DeadOfSmall": {5000, func() error {
			_, err := b.JobList(t.Context(), inspect.Filter{Limit: 51, OrgIDs: []int64{49_999}})
			return err
		}},
		"DeadOldest": {5000, func() error {
			_, err := b.JobList(t.Context(), inspect.Filter{Limit: 51, States: []job.State{job.Dead}, Oldest: true, After: -30_000})
			return err
		}},
		"AllOldest": {5000, func() error { _, err := b.JobList(t.Context(), inspect.Filter{Limit: 51, Oldest: true}); return err }},
		"DeadDeep": {5000, func() error {
			_, err := b.JobList(t.Context(), inspect.Filter{Limit: 51, States: []job.State{job.Dead}, Before: -30_000})
			return err
		}},
		"Groups": {15_000, func() error { _, err := b.ErrorGroups(t.Context(), inspect.Filter{OrgIDs: []int64{1}}); return err }},
		"Count": {15_000, func() error {
			_, err := b.JobCount(t.Context(), inspect.Filter{States: []job.State{job.Dead}, OrgIDs: []int64{1}}, inspect.ByError)
			return err
		}},
		"Situation":    {20_000, func() error { _, err := b.Situation(t.Context(), 0, -1_500_000); return err }},
		"WaitingOrgs":  {5000, func() error { _, err := b.WaitingOrgs(t.Context(), 0); return err }},
		"SummaryOfOne": {50_000, func() error { _, err := b.QueueSummary(t.Context(), 49_999); return err }},
	} {
		before := b.fetched(t)
		require.NoError(t, c.ask(), name)
		require.Less(t, b.fetched(t)-before, c.most, "%s reads whole tables", name)
	}
}

// fetched is how many rows of the jobs table this database has read so far.
func (b *bundle) fetched(tb testing.TB) (n int) {
	tb.Helper()
	for _, c := range b.pool.AcquireAllIdle(tb.Context()) {
		_, err := c.Exec(tb.Context(), `SELECT pg_stat_force_next_flush()`)
		require.NoError(tb, err)
		_, err = c.Exec(tb.Context(), `SELECT 1`)
		require.NoError(tb, err)
		c.Release()
	}
	return b.count(tb, `SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint FROM pg_stat_user_tables WHERE relname IN ('jobs', 'job_history_default')`)
}

// A feed tells of each failure once, whenever its transaction commits, and of what
// operators did; of other orgs it tells nobody.
func TestFeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.withOrgs(t)
	n := b.add(t, job.New{}, job.New{OrgID: 2})
	seen := func(from inspect.FeedCursor, f inspect.FeedFilter) (ids []string, next inspect.FeedCursor) {
		events, next, err := b.Feed(t.Context(), from, f)
		require.NoError(t, err)
		for _, e := range events {
			ids = append(ids, e.ID)
		}
		return ids, next
	}
	ids, cursor := seen(inspect.FeedCursor{At: time.Now()}, inspect.FeedFilter{})
	require.Empty(t, ids)

	tx, err := b.pool.Begin(t.Context()) // begins before the next look, and commits after it
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `
INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, error_class) VALUES ($1, 1, 1, 1, 1, 1, 1, 1, 'transient')`, n[0])
	require.NoError(t, err)
	b.kill(t, job.ClassMedia, n[1])
	died := fmt.Sprintf("j%d.1.2", n[1])
	ids, cursor = seen(cursor, inspect.FeedFilter{})
	require.Equal(t, []string{died}, ids)
	require.NoError(t, tx.Commit(t.Context()))
	ids, cursor = seen(cursor, inspect.FeedFilter{})
	require.Equal(t, []string{fmt.Sprintf("j%d.1.1", n[0])}, ids)
	ids, cursor = seen(cursor, inspect.FeedFilter{})
	require.Empty(t, ids)

	_, _, err = b.AddHold(requested(t, "holds.add"), control.Hold{OrgID: 1, Owner: "token:5"}, 0)
	require.NoError(t, err)
	b.exec(t, `UPDATE workers SET dead_at = clock_timestamp() WHERE id = $1`, b.w2)
	own, next := seen(cursor, inspect.FeedFilter{OrgIDs: []int64{1}})
	require.ElementsMatch(t, []string{"a1", fmt.Sprintf("w%d", b.w2)}, own)
	again, _ := seen(next, inspect.FeedFilter{OrgIDs: []int64{1}, NoProcesses: true})
	require.Empty(t, again, "what operators did comes once")
	others, _ := seen(cursor, inspect.FeedFilter{OrgIDs: []int64{2}})
	require.Equal(t, []string{fmt.Sprintf("w%d", b.w2)}, others)
	past, _ := seen(inspect.FeedCursor{At: time.Now().Add(-time.Hour)}, inspect.FeedFilter{OrgIDs: []int64{2}, Queues: []job.Queue{job.WhatsApp}})
	require.Equal(t, []string{died, fmt.Sprintf("w%d", b.w2)}, past)
}

// After an incident somebody reads what was changed in it: a limit that was set
// twice and reset, a dial, a drain. Rows that are only the state of now have
// forgotten that; the audit trail has not. Pages must neither miss nor repeat.
func TestPastTellsEverythingOperatorsDid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.withOrgs(t)
	n := b.add(t, job.New{}, job.New{OrgID: 2})
	b.kill(t, job.ClassMedia, n...)
	for _, value := range []int{100, 200} {
		_, err := b.SetLimits(requested(t, "limits.set"), []control.Limit{{OrgID: 1, Name: "send_text", Value: value, Window: time.Minute, Owner: "token:5"}}, 0)
		require.NoError(t, err)
	}
	_, _, err := b.ResetLimits(requested(t, "limits.reset"), control.LimitReset{OrgID: 1})
	require.NoError(t, err)
	_, err = b.SetDial(requested(t, "queues.dial"), job.WhatsApp, 25, "token:5")
	require.NoError(t, err)
	hold, _, err := b.AddHold(requested(t, "holds.add"), control.Hold{Queue: job.Instagram, Owner: "token:5"}, 0)
	require.NoError(t, err)
	_, _, err = b.ReleaseHolds(requested(t, "holds.release"), []int64{hold.ID}, "token:5")
	require.NoError(t, err)
	_, err = b.DrainWorker(requested(t, "workers.drain"), b.w2, "token:5")
	require.NoError(t, err)
	b.exec(t, `UPDATE workers SET dead_at = clock_timestamp() WHERE id = $1`, b.w2)
	b.exec(t, `UPDATE job_events SET at = (SELECT min(at) FROM job_events)`) // the committer writes many at once

	read := func(f inspect.PastFilter) (all []string) {
		f.Since, f.Limit = time.Now().Add(-time.Hour), 2
		for {
			page, err := b.Past(t.Context(), f)
			require.NoError(t, err)
			for _, e := range page {
				all = append(all, e.What)
			}
			if len(page) < f.Limit {
				return all
			}
			f.Before = inspect.EventKey{At: page[1].At, ID: page[1].ID}
		}
	}
	require.Equal(t, []string{
		"process_dead", "workers.drain", "holds.release", "holds.add", "queues.dial", "limits.reset", "limits.set", "limits.set", "job_dead", "job_dead",
	}, read(inspect.PastFilter{}))
	require.Equal(t, []string{"holds.release", "holds.add", "queues.dial", "job_dead"}, read(inspect.PastFilter{FeedFilter: inspect.FeedFilter{OrgIDs: []int64{2}, NoProcesses: true}}))
	require.Equal(t, []string{"workers.drain", "holds.release", "holds.add", "limits.reset", "limits.set", "limits.set"},
		read(inspect.PastFilter{FeedFilter: inspect.FeedFilter{Queues: []job.Queue{job.Instagram}, NoProcesses: true}}))
	first, err := b.Past(t.Context(), inspect.PastFilter{Since: time.Now().Add(-time.Hour), Limit: 100})
	require.NoError(t, err)
	require.Equal(t, []string{"limits.set", "job_dead", "job_dead"}, read(inspect.PastFilter{Until: first[6].At}))
}
