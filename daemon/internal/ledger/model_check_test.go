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
	Lost              int
	WorkerID, Serial  int64
	HasReadyOrStarted bool
	Asked             bool // to stop
}

// read returns the live rows and how often each job is in history.
func (m *model) read(rt *rapid.T) (live map[int64]row, history map[int64]int) {
	rt.Helper()
	live, history = map[int64]row{}, map[int64]int{}
	batch := &pgx.Batch{}
	batch.Queue(`
SELECT id, state, epoch, run_epoch, attempt, max_attempts, lost, coalesce(worker_id, 0), coalesce(serial_key, 0),
       ready_at IS NOT NULL OR state IN (0, 5), cancel_requested FROM jobs`).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		for _, r := range list {
			live[r.ID] = r
		}
		return err
	})
	batch.Queue(`SELECT id, outcome > 1 FROM job_history`).Query(func(rows pgx.Rows) error {
		var id int64
		var cut bool
		_, err := pgx.ForEachRow(rows, []any{&id, &cut}, func() error {
			history[id]++
			if s := m.jobs[id]; s != nil {
				require.Equal(rt, s.cancelled, cut, "job %d ended otherwise than was acknowledged", id)
			}
			return nil
		})
		return err
	})
	require.NoError(rt, m.b.pool.SendBatch(m.ctx, batch).Close())
	return live, history
}

// check holds what must be true after every step.
func (m *model) check(rt *rapid.T) {
	live, history := m.read(rt)
	m.live = live
	flying := map[int64]int64{}
	for _, id := range m.ids {
		r, isLive := live[id]
		s := m.jobs[id]
		require.LessOrEqual(rt, history[id], 1, "job %d has two ends", id)
		require.NotEqual(rt, isLive, history[id] == 1, "job %d is lost, or both alive and final", id)
		require.False(rt, s.final && isLive, "job %d came back from history", id)
		s.final = !isLive
		if !isLive {
			require.True(rt, s.sends > 0 || s.cancelled || s.vouched, "job %d is done but was never sent", id)
			require.False(rt, s.cancelled && s.unsaid && !s.again, "job %d is called cancelled and was sent", id)
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
	s := m.jobs[r.ID]
	require.False(rt, s.again && r.Lost >= 3 && r.State != job.Dead, "job %d kills one worker after the other", r.ID)
	if s.unsaid && !s.again {
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
