package ledger_test

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// BenchmarkReads measures what operators ask of a ledger with five million
// finished jobs of fifty thousand orgs, half a million dead ones (a fifth of them
// of one org), and a backlog. INBOXD_BENCH_HISTORY sets how much history; seeding
// takes a minute or two. The target is 150 ms each.
//
//	go run ./daemon/internal/devstack/withstack -- go test -run '^$' -bench Reads ./daemon/internal/ledger
func BenchmarkReads(b *testing.B) {
	history, _ := strconv.Atoi(cmp.Or(os.Getenv("INBOXD_BENCH_HISTORY"), "5000000"))
	e := setup(b)
	e.flood(b, history, 500_000)
	var sigs []string
	groups, err := e.ErrorGroups(b.Context(), inspect.Filter{OrgIDs: []int64{1}})
	require.NoError(b, err)
	for _, g := range groups {
		sigs = append(sigs, g.Sig)
	}
	for _, c := range slices.Concat(listQuestions(sigs), otherQuestions(sigs)) {
		b.Run(c.name, func(b *testing.B) {
			var worst time.Duration
			for range b.N {
				began := time.Now()
				require.NoError(b, c.ask(b.Context(), e))
				worst = max(worst, time.Since(began))
			}
			b.ReportMetric(float64(worst.Milliseconds()), "worst-ms")
		})
	}
}

type question struct {
	name string
	ask  func(ctx context.Context, e *bundle) error
}

func listQuestions(sigs []string) (all []question) {
	list := func(name string, f inspect.Filter) {
		f.Limit = 51
		all = append(all, question{"list/" + name, func(ctx context.Context, e *bundle) error { _, err := e.JobList(ctx, f); return err }})
	}
	list("all", inspect.Filter{})
	for _, s := range job.States() {
		list("state/"+s.String(), inspect.Filter{States: []job.State{s}})
		list("state/"+s.String()+"/big_org", inspect.Filter{States: []job.State{s}, OrgIDs: []int64{1}})
		list("state/"+s.String()+"/small_org", inspect.Filter{States: []job.State{s}, OrgIDs: []int64{49_999}})
	}
	for o := job.Done; o <= job.Discarded; o++ {
		list("outcome/"+o.String(), inspect.Filter{Outcomes: []job.Outcome{o}})
		list("outcome/"+o.String()+"/small_org", inspect.Filter{Outcomes: []job.Outcome{o}, OrgIDs: []int64{49_999}})
	}
	list("retrying", inspect.Filter{Retrying: true})
	list("big_org", inspect.Filter{OrgIDs: []int64{1}})
	list("small_org", inspect.Filter{OrgIDs: []int64{49_999}})
	list("dead/class", inspect.Filter{States: []job.State{job.Dead}, Classes: []job.Class{job.ClassMedia}})
	list("dead/sig", inspect.Filter{States: []job.State{job.Dead}, Sigs: sigs[:1]})
	list("dead/deep", inspect.Filter{States: []job.State{job.Dead}, Before: -400_000})
	list("dead/oldest", inspect.Filter{States: []job.State{job.Dead}, Oldest: true})
	list("ready/oldest", inspect.Filter{States: []job.State{job.Ready}, Oldest: true})
	list("oldest", inspect.Filter{Oldest: true})
	list("done/oldest", inspect.Filter{Outcomes: []job.Outcome{job.Done}, Oldest: true})
	list("dead/queue", inspect.Filter{States: []job.State{job.Dead}, Queues: []job.Queue{job.Instagram}})
	return all
}

func otherQuestions(sigs []string) (all []question) {
	add := func(name string, ask func(ctx context.Context, e *bundle) error) {
		all = append(all, question{name, ask})
	}
	count := func(name string, f inspect.Filter, by inspect.By) {
		add("count/"+name, func(ctx context.Context, e *bundle) error { _, err := e.JobCount(ctx, f, by); return err })
	}
	for _, org := range []int64{0, 1, 49_999} {
		add("summary/org"+strconv.FormatInt(org, 10), func(ctx context.Context, e *bundle) error { _, err := e.QueueSummary(ctx, org); return err })
	}
	add("loads", func(ctx context.Context, e *bundle) error { _, err := e.OrgLoads(ctx, 0); return err })
	count("all", inspect.Filter{}, inspect.ByNothing)
	count("by_state", inspect.Filter{}, inspect.ByState)
	count("by_org", inspect.Filter{}, inspect.ByOrg)
	count("dead_by_error", inspect.Filter{States: []job.State{job.Dead}}, inspect.ByError)
	count("big_org", inspect.Filter{OrgIDs: []int64{1}}, inspect.ByQueue)
	count("done", inspect.Filter{Outcomes: []job.Outcome{job.Done}}, inspect.ByQueue)
	group := func(name string, f inspect.Filter) {
		add("groups/"+name, func(ctx context.Context, e *bundle) error { _, err := e.ErrorGroups(ctx, f); return err })
	}
	group("all", inspect.Filter{})
	group("big_org", inspect.Filter{OrgIDs: []int64{1}})
	group("small_org", inspect.Filter{OrgIDs: []int64{49_999}})
	group("sig", inspect.Filter{Sigs: sigs[:1]})
	add("waiting", func(ctx context.Context, e *bundle) error { _, err := e.WaitingOrgs(ctx, 0); return err })
	add("why", func(ctx context.Context, e *bundle) error { _, err := e.Situation(ctx, 0, -1_500_000); return err })
	add("job", func(ctx context.Context, e *bundle) error { _, err := e.Job(ctx, 0, -100); return err })
	add("feed", func(ctx context.Context, e *bundle) error {
		_, _, err := e.Feed(ctx, inspect.FeedCursor{At: time.Now().Add(-time.Hour)}, inspect.FeedFilter{})
		return err
	})
	return all
}

// flood fills the ledger as it is after some months. Ids of what was seeded are
// negative, so that identities do not clash.
func (b *bundle) flood(tb testing.TB, history, dead int) {
	tb.Helper()
	for _, f := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO orgs (id, name) SELECT n, 'org' || n FROM generate_series(1, 50000) n`, nil},
		{`
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, subject_id, created_at, ready_at, started_at, finished_at)
SELECT -10000000 - n, 1 + (random() * 49999)::int, 1 + n % 2, 1, 1, CASE WHEN n % 200 = 0 THEN 3 WHEN n % 100 = 0 THEN 2 ELSE 1 END, 1, 1, 2, n,
       t, t, t + interval '10 ms', t + interval '250 ms'
FROM generate_series(1, $1::int) n, LATERAL (SELECT now() - n * interval '1.5 s' AS t) x`, []any{history}},
		{`
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, epoch, run_epoch, attempt, max_attempts, error_class, error_code, last_error, created_at, started_at, deadline_at)
SELECT -n, CASE WHEN n % 5 = 0 THEN 1 ELSE 1 + (random() * 49999)::int END, 1 + n % 2, 1, 1, 6, 1, 1, 5, 5,
       CASE n % 97 WHEN 0 THEN 'media' ELSE 'recipient_unreachable' END, 131026, 'message ' || n || ' is ' || chr(65 + n % 7) || chr(65 + n % 5) || ' refused', now() - n * interval '1 s',
       now() - n * interval '1 s', now()
FROM generate_series(1, $1::int) n`, []any{dead}},
		{`
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, attempt, epoch, max_attempts, error_class, last_error, run_at, deadline_at)
SELECT -1000000 - n, 1 + (random() * 49999)::int, 1, 1 + n % 2, 3, CASE n % 20 WHEN 0 THEN 4 WHEN 1 THEN 5 ELSE 0 END, n % 3, n % 3, 5,
       CASE WHEN n % 3 > 0 THEN 'transient' END, 'try again', now() + interval '1 hour', now() + interval '1 day'
FROM generate_series(1, $1::int / 5) n`, []any{dead}},
		{`
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, max_attempts, ready_at, deadline_at)
SELECT -1500000 - n, 1 + (random() * 49999)::int, 1 + n % 2, 1, 1 + n % 3, 1, 5, now(), now() + interval '1 day' FROM generate_series(0, $1::int / 5) n`, []any{dead}},
		{`
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, epoch, run_epoch, max_attempts, worker_id, started_at, dispatched_at, deadline_at)
SELECT -1700000 - n, 1 + n % 300, 1 + n % 2, 1, 1, 2 + n % 2, 1, 1, 5, $1, now(), now(), now() + interval '1 day' FROM generate_series(1, 600) n`, []any{b.w1}},
		{`VACUUM ANALYZE jobs`, nil},
		{`VACUUM ANALYZE job_history`, nil},
		{`ANALYZE orgs`, nil},
	} {
		b.exec(tb, f.sql, f.args...)
	}
}
