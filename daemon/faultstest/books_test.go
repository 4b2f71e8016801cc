package faultstest_test

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// entry is a job as the ledger has it in the end: alive or in history.
type entry struct {
	ID        int64
	Org       string
	Past      bool      // in history
	State     job.State // of one in history: minus its outcome
	Queue     job.Queue
	Priority  job.Priority
	Serial    int64
	Subject   int64
	Epoch     int32 // of its last run
	Attempt   int
	StartedAt *time.Time
	EndedAt   *time.Time
}

// event is a row of job_events: a run that failed (1), died (2) or became
// uncertain (3).
type event struct {
	JobID     int64
	Kind      int
	Epoch     int32
	Attempt   int
	StartedAt *time.Time
	At        time.Time
}

// dead is a process that others have given up.
type dead struct {
	PID    int
	DeadAt time.Time
}

// books are both sides' records when everything is quiet.
type books struct {
	entries []entry
	byJob   map[int64][]entry
	events  map[int64][]event // by epoch and time
	dead    []dead
	sends   []metasim.Send
	inbound []metasim.Inbound
	stored  map[string]bool // provider ids of inbound messages
}

// open reads the books.
func (r *rig) open(ctx context.Context) (*books, error) {
	b := &books{events: map[int64][]event{}, stored: map[string]bool{}, sends: r.sim.Sends(0), inbound: r.sim.Inbounds(0)}
	var events []event
	var stored []string
	batch := &pgx.Batch{}
	batch.Queue(`
SELECT j.id, o.name, past, j.state, queue, priority, coalesce(serial_key, 0), coalesce(subject_id, 0), run_epoch, attempt::int, started_at, ended_at
FROM (SELECT id, org_id, false AS past, state, queue, priority, serial_key, subject_id, run_epoch, attempt, started_at, NULL::timestamptz AS ended_at
      FROM jobs
      UNION ALL
      SELECT id, org_id, true, -outcome, queue, priority, serial_key, subject_id, run_epoch, attempt, started_at, finished_at FROM job_history) j
JOIN orgs o ON o.id = j.org_id ORDER BY 1`).Query(collect(&b.entries))
	batch.Queue(`SELECT job_id, kind::int, epoch, attempt::int, started_at, at FROM job_events ORDER BY epoch, at`).Query(collect(&events))
	batch.Queue(`SELECT pid, dead_at FROM workers WHERE dead_at IS NOT NULL`).Query(collect(&b.dead))
	batch.Queue(`SELECT provider_id FROM messages WHERE inbound AND provider_id IS NOT NULL`).Query(func(rows pgx.Rows) (err error) {
		stored, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err := r.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	b.index()
	for _, e := range events {
		b.events[e.JobID] = append(b.events[e.JobID], e)
	}
	for _, id := range stored {
		b.stored[id] = true
	}
	return b, nil
}

// index makes entries be found by job.
func (b *books) index() {
	b.byJob = map[int64][]entry{}
	for _, e := range b.entries {
		b.byJob[e.ID] = append(b.byJob[e.ID], e)
	}
}

func collect[T any](into *[]T) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		return err
	}
}

// run is one execution of a job by the ledger's own times.
type run struct {
	job        int64
	epoch      int32
	start, end time.Time
}

// runs lists the executions of a job, the oldest first. A run that became an
// event was over then, whatever came later.
func (b *books) runs(e entry) (list []run) {
	seen := map[int32]bool{}
	for _, v := range b.events[e.ID] {
		if v.StartedAt != nil && !seen[v.Epoch] {
			seen[v.Epoch] = true
			list = append(list, run{e.ID, v.Epoch, *v.StartedAt, v.At})
		}
	}
	if e.Past && e.StartedAt != nil && e.EndedAt != nil && !seen[e.Epoch] {
		list = append(list, run{e.ID, e.Epoch, *e.StartedAt, *e.EndedAt})
	}
	slices.SortFunc(list, func(a, b run) int { return cmp.Compare(a.epoch, b.epoch) })
	return list
}

// excused reports whether others may have overtaken a job: it was uncertain or
// dead once.
func (b *books) excused(id int64) bool {
	return slices.ContainsFunc(b.events[id], func(v event) bool { return v.Kind != 1 })
}
