package ledger_test

import (
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// row is a live job as the ledger has it.
type row struct {
	ID                int64
	State             job.State
	Epoch, RunEpoch   int32
	Attempt, Limit    int
	WorkerID, Serial  int64
	HasReadyOrStarted bool
}

// read returns the live rows and the outcomes each job has in history.
func (m *model) read(rt *rapid.T) (live map[int64]row, history map[int64][]job.Outcome) {
	rt.Helper()
	live, history = map[int64]row{}, map[int64][]job.Outcome{}
	batch := &pgx.Batch{}
	batch.Queue(`
SELECT id, state, epoch, run_epoch, attempt, max_attempts, coalesce(worker_id, 0), coalesce(serial_key, 0),
       ready_at IS NOT NULL OR state = 0 FROM jobs`).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		for _, r := range list {
			live[r.ID] = r
		}
		return err
	})
	batch.Queue(`SELECT id, outcome FROM job_history`).Query(func(rows pgx.Rows) error {
		var id int64
		var outcome job.Outcome
		_, err := pgx.ForEachRow(rows, []any{&id, &outcome}, func() error { history[id] = append(history[id], outcome); return nil })
		return err
	})
	require.NoError(rt, m.b.pool.SendBatch(m.ctx, batch).Close())
	return live, history
}

// check holds what must be true after every step.
func (m *model) check(rt *rapid.T) {
	live, history := m.read(rt)
	flying := map[int64]int64{}
	for _, id := range m.ids {
		r, isLive := live[id]
		s := m.jobs[id]
		require.LessOrEqual(rt, len(history[id]), 1, "job %d has two ends", id)
		require.NotEqual(rt, isLive, len(history[id]) == 1, "job %d is lost, or both alive and final", id)
		require.False(rt, s.final && isLive, "job %d came back from history", id)
		s.final = !isLive
		if !isLive {
			m.checkEnd(rt, id, history[id][0])
			continue
		}
		s.excused = s.excused || r.State == job.Uncertain || r.State == job.Dead
		m.checkRow(rt, r)
		if r.Serial != 0 && (r.State == job.Dispatched || r.State == job.Running) {
			require.Zero(rt, flying[r.Serial], "conversation %d has two jobs under way", r.Serial)
			flying[r.Serial] = id
		}
	}
	m.checkExecutions(rt, live)
}

// checkEnd: what is done was sent, and what an operator has cancelled was not,
// unless it is of a type that may be run again.
func (m *model) checkEnd(rt *rapid.T, id int64, outcome job.Outcome) {
	rt.Helper()
	s := m.jobs[id]
	if outcome == job.Done {
		require.True(rt, s.sends > 0 || s.resolved, "job %d is done but was never sent", id)
		require.False(rt, s.cancelled, "job %d was cancelled and is done", id)
		return
	}
	require.Equal(rt, job.Cancelled, outcome)
	require.True(rt, s.sends == 0 || s.again || s.resolved, "job %d was sent and is cancelled", id)
}

func (m *model) checkRow(rt *rapid.T, r row) {
	rt.Helper()
	require.GreaterOrEqual(rt, r.Attempt, 0)
	require.LessOrEqual(rt, r.Attempt, r.Limit, "job %d has more attempts than it may", r.ID)
	require.LessOrEqual(rt, r.RunEpoch, r.Epoch, "job %d was claimed before it was handed out", r.ID)
	require.True(rt, r.HasReadyOrStarted, "job %d waits without a beginning", r.ID)
	if r.State == job.Running {
		require.Equal(rt, r.Epoch, r.RunEpoch)
		require.NotZero(rt, r.WorkerID)
	}
	if s := m.jobs[r.ID]; s.sends > 0 && !s.again && !s.resolved {
		require.Contains(rt, []job.State{job.Running, job.Uncertain}, r.State, "job %d was sent and may run again", r.ID)
	}
}

// checkExecutions: what a process runs that nobody has declared dead is its
// alone, and the ledger knows.
func (m *model) checkExecutions(rt *rapid.T, live map[int64]row) {
	rt.Helper()
	running := map[int64]int64{}
	for _, p := range m.processes {
		for _, e := range p.executions() {
			if p.dead {
				continue
			}
			id := e.claimed.ID
			require.Zero(rt, running[id], "job %d runs twice", id)
			running[id] = p.id
			if r, ok := live[id]; ok {
				require.Equal(rt, row{State: job.Running, RunEpoch: e.claimed.Epoch, WorkerID: p.id},
					row{State: r.State, RunEpoch: r.RunEpoch, WorkerID: r.WorkerID}, "job %d runs unknown to the ledger", id)
			}
		}
	}
}

// drain lets the faults end: every old process is declared dead and a fresh one
// takes what is left. Then nothing may be stuck.
func (m *model) drain(rt *rapid.T) {
	rt.Helper()
	m.release(rt)
	for _, p := range m.processes {
		if !p.dead {
			m.bury(rt, p)
		}
	}
	m.orphans(rt)
	m.sweep(rt)
	m.recallAll(rt)
	m.join(rt)
	fresh := m.processes[len(m.processes)-1]
	for range 3 * len(m.ids) {
		m.check(rt) // notes who may be overtaken
		m.promote(rt)
		for _, kind := range []job.Type{job.SendMessage, job.RunAutomation} {
			pick := all(10)
			pick.Type = kind
			for _, e := range m.takeFor(rt, fresh, pick) {
				m.sendOut(rt, e)
				m.report(rt, fresh, e, job.Succeed)
			}
		}
	}
	m.check(rt)
	live, _ := m.read(rt)
	for id, r := range live {
		require.Contains(rt, []job.State{job.Uncertain, job.Dead}, r.State, "job %d is stuck", id)
	}
}
