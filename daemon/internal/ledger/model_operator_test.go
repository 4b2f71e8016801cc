package ledger_test

import (
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// What operators, limits and pacing do to the model's jobs.

// hold pauses everything, or lets it go on.
func (m *model) hold(rt *rapid.T) {
	if m.held {
		m.release(rt)
		return
	}
	m.sql(rt, `INSERT INTO holds (org_id, owner) VALUES (1, 'test')`)
	m.held = true
}

func (m *model) release(rt *rapid.T) {
	rt.Helper()
	m.sql(rt, `UPDATE holds SET released_at = clock_timestamp()`)
	m.held = false
}

// cancel ends a job that has not begun: that is a promise. A running one is
// asked to stop, doubt and death are left alone.
func (m *model) cancel(rt *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(rt, "job")
	before := m.look(rt, id).state
	ended, asked, err := m.b.Cancel(m.ctx, inspect.Filter{IDs: []int64{id}}, "test")
	require.NoError(rt, err)
	switch before {
	case job.Scheduled, job.Ready, job.Dispatched:
		require.Equal(rt, [2]int{1, 0}, [2]int{ended, asked})
		m.jobs[id].cancelled = true
	case job.Running:
		require.Equal(rt, [2]int{0, 1}, [2]int{ended, asked})
	default:
		require.Equal(rt, [2]int{0, 0}, [2]int{ended, asked}, "a job in state %d was cancelled", before)
	}
}

func (m *model) sweep(rt *rapid.T) { require.NoError(rt, m.b.SweepCancelled(m.ctx)) }

// resolve settles doubt by an operator's word, which may be wrong: then it is
// the operator who sends twice.
func (m *model) resolve(rt *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(rt, "job")
	how := rapid.SampledFrom([]inspect.Resolution{inspect.ResolvedSent, inspect.ResolvedNotSent, inspect.ResolvedResend}).Draw(rt, "how")
	before := m.look(rt, id).state
	_, err := m.b.Resolve(m.ctx, 1, id, how, "test")
	require.Equal(rt, before == job.Uncertain, err == nil, "only doubt is resolved")
	if err != nil {
		return
	}
	s := m.jobs[id]
	s.resolved = true
	if how != inspect.ResolvedSent {
		s.allowance++
	}
}

// pace takes jobs and puts them back in the same round, before they begin: their
// number or pair must wait.
func (m *model) pace(rt *rapid.T) {
	alive := m.alive()
	if len(alive) == 0 {
		rt.Skip("nobody lives")
	}
	p := rapid.SampledFrom(alive).Draw(rt, "process")
	after := rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "after")
	var put []job.Deferral
	for _, e := range m.takeFor(rt, p, drawPick(rt)) {
		put = append(put, job.Deferral{Ticket: e.ticket(), After: after})
		delete(p.running, e.ticket())
	}
	handed, err := m.b.Dispatch(m.ctx, drawPick(rt), p.id)
	require.NoError(rt, err)
	for _, t := range tickets(handed) {
		m.handOut(rt, t)
		put = append(put, job.Deferral{Ticket: t, After: after})
	}
	require.NoError(rt, m.b.Defer(m.ctx, put, p.id))
	for _, d := range put {
		want := job.Ready
		if after > 0 {
			want = job.Scheduled
		}
		require.Equal(rt, want, m.look(rt, d.ID).state)
	}
}

// expire makes every ticket on its way too old for its token.
func (m *model) expire(rt *rapid.T) {
	m.sql(rt, `UPDATE jobs SET dispatched_at = dispatched_at - interval '16 s' WHERE state = 2`)
}
