package ledger_test

import (
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

func (e *execution) ticket() job.Ticket { return job.Ticket{ID: e.claimed.ID, Epoch: e.claimed.Epoch} }

// outcome draws a truthful one.
func (e *execution) outcome(rt *rapid.T) job.Verdict {
	verdicts := []job.Verdict{job.Retry, job.Throttle, job.Fail, job.Release, job.Doubt}
	if e.sent {
		verdicts = []job.Verdict{job.Succeed, job.Succeed, job.Doubt}
	}
	return rapid.SampledFrom(verdicts).Draw(rt, "verdict")
}

// executions returns what p runs, in a fixed order.
func (p *process) executions() (list []*execution) {
	for _, e := range p.running {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *execution) int {
		return int((a.claimed.ID-b.claimed.ID)*1000 + int64(a.claimed.Epoch-b.claimed.Epoch))
	})
	return list
}

func (m *model) execution(rt *rapid.T) (*process, *execution) {
	p := m.some(rt)
	if len(p.running) == 0 {
		rt.Skip("it runs nothing")
	}
	return p, rapid.SampledFrom(p.executions()).Draw(rt, "execution")
}

// send is the outside effect. The fence of a process declared dead has closed
// before.
func (m *model) send(rt *rapid.T) {
	p, e := m.execution(rt)
	if e.sent || p.dead {
		return
	}
	m.sendOut(rt, e)
}

func (m *model) sendOut(rt *rapid.T, e *execution) {
	rt.Helper()
	id := e.claimed.ID
	s := m.jobs[id]
	e.sent, s.unsaid = true, true
	s.sends++
	require.False(rt, s.cancelled, "job %d was sent after its cancel was acknowledged", id)
	require.LessOrEqual(rt, s.sends, s.allowance, "job %d was sent again", id)
	for _, older := range m.ids {
		o := m.jobs[older]
		if older < id && o.serial == s.serial && s.serial != 0 && o.priority <= s.priority {
			require.True(rt, o.sends > 0 || o.excused || o.final || o.cancelled, "job %d overtook job %d of its conversation", id, older)
		}
	}
}

// finish reports what happened, truthfully. An outcome of a process that lives
// is never refused, unless a status webhook has settled the job.
func (m *model) finish(rt *rapid.T) {
	p, e := m.execution(rt)
	m.report(rt, p, e, e.outcome(rt))
}

func (m *model) report(rt *rapid.T, p *process, e *execution, v job.Verdict) {
	rt.Helper()
	s, r := m.jobs[e.claimed.ID], job.Result{Verdict: v, Class: job.ClassTransient}
	if e.sent && s.again && v == job.Doubt {
		s.allowance++
	}
	ok, err := p.committer.Finish(m.ctx, e.claimed, r)
	require.NoError(rt, err)
	require.True(rt, ok || p.dead || s.final, "a living worker's outcome was refused")
	before := m.look(rt, e.claimed.ID)
	ok, err = p.committer.Finish(m.ctx, e.claimed, r) // the answer was lost: the commit is repeated
	require.NoError(rt, err)
	require.False(rt, ok && v != job.Succeed && before.state != job.Uncertain, "a repeat was accepted")
	require.Equal(rt, before, m.look(rt, e.claimed.ID), "a repeat changed something")
	delete(p.running, e.ticket())
}

// traces are what a job has left behind.
type traces struct {
	state   job.State
	attempt int
	events  int
	epoch   int32
	asked   bool // to stop
}

func (m *model) look(rt *rapid.T, id int64) (got traces) {
	rt.Helper()
	require.NoError(rt, m.b.pool.QueryRow(m.ctx, `
SELECT coalesce((SELECT state FROM jobs WHERE id = $1), -1), coalesce((SELECT attempt FROM jobs WHERE id = $1), 0),
       (SELECT count(*) FROM job_events WHERE job_id = $1), coalesce((SELECT epoch FROM jobs WHERE id = $1), 0),
       coalesce((SELECT cancel_requested FROM jobs WHERE id = $1), false)`, id).Scan(&got.state, &got.attempt, &got.events, &got.epoch, &got.asked))
	return got
}
