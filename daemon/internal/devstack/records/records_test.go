package records_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/dev"
	"github.com/bandeja/inboxd/daemon/internal/devstack/records"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// rows is a small past: jobs 1 and 2 and message 1 are from before the mark.
// After it: 10 done at once by redis, 11 done after one failed attempt, 12
// dead, 13 uncertain, 14 uncertain and then settled, 15 running, 16 held, 17
// cancelled without an attempt.
const rows = `
INSERT INTO orgs (id, name) VALUES (1, 'acme');
INSERT INTO channels (id, org_id, kind, external_id) VALUES (1, 1, 'whatsapp', '111'), (2, 1, 'instagram', '111');
INSERT INTO contacts (id, org_id, channel_id, user_id) VALUES (1, 1, 1, 'a'), (2, 1, 2, 'b');
INSERT INTO conversations (id, org_id, channel_id, contact_id, last_message_at) VALUES (1, 1, 1, 1, now()), (2, 1, 2, 2, now());
INSERT INTO messages (id, org_id, conversation_id, channel_id, inbound, kind, status, origin, provider_id) VALUES
  (1, 1, 1, 1, true, 'text', 7, 'customer', 'old'), (10, 1, 1, 1, true, 'text', 7, 'customer', 'in-1'),
  (11, 1, 1, 1, false, 'text', 1, 'user', 'o-1'), (12, 1, 1, 1, false, 'text', 2, 'user', 'o-2'),
  (13, 1, 1, 1, false, 'text', 3, 'user', 'o-3'), (14, 1, 1, 1, false, 'text', 4, 'api', 'o-4'),
  (15, 1, 1, 1, false, 'text', 5, 'user', 'o-5'), (16, 1, 1, 1, false, 'text', 6, 'user', NULL),
  (17, 1, 1, 1, false, 'text', 4, 'echo', 'e-1');
INSERT INTO episodes (id, org_id, conversation_id, first, started_at, received_at, target_ms, due_at, answered_at) VALUES
  (1, 1, 1, true, now(), now(), 1, now(), now()),
  (10, 1, 1, false, now(), now(), 1, now() + interval '1 min', now()), (11, 1, 1, false, now(), now(), 1, now() - interval '1 min', now()),
  (12, 1, 1, false, now(), now(), 1, now() - interval '1 min', NULL), (13, 1, 2, false, now(), now(), 1, now() + interval '1 min', NULL);
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, ready_at, started_at, finished_at)
SELECT id, 1, 1, 1, 1, outcome, epoch, 1, lane, t, t, t + wait * '1 ms'::interval, t + (coalesce(wait, 0) + run) * '1 ms'::interval
FROM (VALUES (2, 1, 1, 1, 1, 1), (10, 1, 1, 1, 10, 20), (11, 1, 2, 2, 10, 20), (14, 1, 1, 2, 10, 20), (17, 2, 0, 0, NULL, 5))
  v(id, outcome, epoch, lane, wait, run), (SELECT '2026-01-01'::timestamptz) c(t);
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, max_attempts, deadline_at)
SELECT id, 1, 1, 1, 1, state, 5, now() FROM (VALUES (1, 1), (12, 6), (13, 4), (15, 3), (16, 5)) v(id, state);
INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, ready_at, started_at, at)
SELECT id, 1, 1, 1, kind, 1, 1, lane, t, t + interval '30 ms', t + interval '70 ms'
FROM (VALUES (11, 1, 1), (12, 2, 2), (13, 3, 2), (14, 3, 2)) v(id, kind, lane), (SELECT '2026-01-01'::timestamptz) c(t);`

func setup(t *testing.T) dev.Records {
	t.Helper()
	dsn := stacktest.Database(t, store.Migrate)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, conn.Close(context.WithoutCancel(t.Context())))
	r, closeRecords, err := records.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(closeRecords)
	return r
}

// since is the mark between the old rows and the new.
func since() dev.Mark { return dev.Mark{Job: 2, Message: 1, Episode: 1} }

// TestLostIsFound is the test of the test: a report of "lost 0" means nothing
// if a lost row would not show.
func TestLostIsFound(t *testing.T) {
	t.Parallel()
	r := setup(t)
	jobs, err := r.UnknownJobs(t.Context(), []int64{10, 12, 15, 99})
	require.NoError(t, err)
	require.Equal(t, []int64{99}, jobs)
	lost := dev.InboundKey{Kind: "instagram", Account: "111", ProviderID: "in-1"}
	keys, err := r.UnknownInbound(t.Context(), []dev.InboundKey{{Kind: "whatsapp", Account: "111", ProviderID: "in-1"}, lost})
	require.NoError(t, err)
	require.Equal(t, []dev.InboundKey{lost}, keys, "the same id on another account is another message")
	none, err := r.UnknownJobs(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestMarkIsTheHighest(t *testing.T) {
	t.Parallel()
	m, err := setup(t).Mark(t.Context())
	require.NoError(t, err)
	require.Equal(t, dev.Mark{Job: 17, Message: 17, Episode: 13}, m)
}

func TestFigures(t *testing.T) {
	t.Parallel()
	r := setup(t)
	left, err := r.Unfinished(t.Context(), since())
	require.NoError(t, err)
	require.EqualValues(t, 1, left, "held and uncertain jobs are not waited for")
	jobs, err := r.JobFigures(t.Context(), since())
	require.NoError(t, err)
	require.Equal(t, dev.JobCounts{Created: 8, Done: 3, Dead: 1, Uncertain: 1, Cancelled: 1, Unfinished: 2}, jobs.Jobs)
	require.Equal(t, dev.LaneCounts{Redis: 2, Postgres: 4}, jobs.Lanes, "each attempt once, the settled one too")
	spread := func(n int64, p50, p95 float64) dev.Spread { return dev.Spread{N: n, P50: &p50, P95: &p95, P99: &p95} }
	want := dev.Times{Wait: spread(6, 10, 30), Run: spread(6, 20, 40), E2E: spread(3, 30, 30)}
	require.Empty(t, cmp.Diff(want, jobs.Times))
	inbox, err := r.InboxFigures(t.Context(), since())
	require.NoError(t, err)
	require.Equal(t, dev.InboxFigures{
		In: 1, Sent: 3, Delivered: 2, Read: 1, Failed: 1, Uncertain: 1, Answered: 2, WithinTarget: 1, Overdue: 1,
	}, inbox)
}
