package ledger_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// proving is a ledger whose only job is put into any state.
type proving struct {
	*bundle

	workers    map[int8]int64
	committers map[int8]*ledger.Committer
}

const proved int64 = 77 // the job

func newProving(t *testing.T) *proving {
	t.Helper()
	b := setup(t)
	b.org(t, 1)
	p := &proving{bundle: b, workers: map[int8]int64{0: 0, 1: b.w1, 2: b.w2, gone: b.register(t), missing: 987654}, committers: map[int8]*ledger.Committer{}}
	_, ok, err := b.DeclareDead(t.Context(), p.workers[gone], 0)
	require.NoError(t, err)
	require.True(t, ok)
	for _, w := range []int8{1, 2, gone} {
		p.committers[w] = b.committer(t, p.workers[w])
	}
	return p
}

func (p *proving) put(t *testing.T, r record, a act) {
	t.Helper()
	kind, age := job.SendMessage, "1 s"
	if !r.once {
		kind = job.RunAutomation
	}
	if a.old {
		age = "16 s"
	}
	b := &pgx.Batch{}
	for _, table := range []string{"jobs", "job_history", "job_events", "holds"} {
		b.Queue(`DELETE FROM ` + table)
	}
	b.Queue(`
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, epoch, run_epoch, attempt, max_attempts, lost, worker_id, cancel_requested,
                  lane, channel_id, subject_id, created_at, run_at, ready_at, dispatched_at, started_at, deadline_at)
OVERRIDING SYSTEM VALUE
VALUES ($1, 1, 1, $2, 1, $3, $4, $5, $6, $7, $8, nullif($9::bigint, 0), $10, 1, 5, 1, now() - interval '1 h', now() - interval '1 h', now(),
        clock_timestamp() - $11::interval, now() - interval '1 s', now() + interval '1 d')`,
		proved, int16(kind), int16(r.state), r.epoch, r.run, r.attempt, tries, r.lost, p.workers[r.owner], r.asked, age)
	if a.held {
		b.Queue(`INSERT INTO holds (org_id, owner) VALUES (1, 'test')`)
	}
	require.NoError(t, p.pool.SendBatch(t.Context(), b).Close())
}

func (p *proving) get(t *testing.T, was record) (r record) {
	t.Helper()
	var worker int64
	r.once = was.once
	err := p.pool.QueryRow(t.Context(), `
SELECT state, epoch, run_epoch, attempt, lost, coalesce(worker_id, 0), cancel_requested FROM jobs WHERE id = $1
UNION ALL SELECT -outcome, 0, 0, 0, 0, 0, false FROM job_history WHERE id = $1`, proved).
		Scan(&r.state, &r.epoch, &r.run, &r.attempt, &r.lost, &worker, &r.asked)
	require.NoError(t, err, "the job is in one place")
	for slot, id := range p.workers {
		if id == worker {
			r.owner = slot
		}
	}
	return r
}
