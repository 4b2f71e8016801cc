package ledger_test

import (
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// pick draws a claim. Which channels are blocked is the dispatcher's to know.
func (m *model) pick(rt *rapid.T) job.Pick {
	p := all(rapid.IntRange(1, 4).Draw(rt, "places"))
	if rapid.Bool().Draw(rt, "dial at 50") {
		p.DialTo = 50
	}
	if rapid.IntRange(0, 2).Draw(rt, "automations") == 0 {
		p.Type = job.RunAutomation
	}
	p.Blocked = m.blocked
	return p
}

func (m *model) dispatch(rt *rapid.T) {
	m.dispatchBy(rt, m.some(rt))
}

func (m *model) dispatchBy(rt *rapid.T, p *process) []job.Ticket {
	rt.Helper()
	handed, err := m.b.Dispatch(m.ctx, m.pick(rt), p.id)
	require.NoError(rt, err)
	require.False(rt, len(handed) > 0 && p.dead, "the dead hand out nothing")
	got := tickets(handed)
	slices.SortFunc(got, func(a, b job.Ticket) int { return int(a.ID - b.ID) })
	m.issued = append(m.issued, got...)
	m.handOut(rt, got...)
	return got
}

// handOut: an epoch is used once, or a stale copy would pass for a fresh one.
// Nothing leaves that a hold covers, by a blocked channel, or against its will.
func (m *model) handOut(rt *rapid.T, tickets ...job.Ticket) {
	rt.Helper()
	for _, t := range tickets {
		require.False(rt, m.handed[t], "hand-out %s was made twice", t)
		m.handed[t] = true
		s := m.jobs[t.ID]
		require.False(rt, m.covered(s), "job %d is held and was handed out", t.ID)
		require.False(rt, s.channel != 0 && slices.Contains(m.blocked, s.channel), "job %d left by a blocked channel", t.ID)
		require.False(rt, m.live[t.ID].Asked, "job %d was asked to stop and was handed out", t.ID)
	}
}

// deliver brings a copy to a process: a fresh one, an old one or one it had
// before. The answer of a granted claim may be lost on the way. What must not
// begin now is ready again, at no cost.
func (m *model) deliver(rt *rapid.T) {
	if len(m.issued) == 0 {
		rt.Skip("nothing was handed out")
	}
	p, t := m.some(rt), rapid.SampledFrom(m.issued).Draw(rt, "copy")
	if p.running[t] != nil {
		return // the pool knows it
	}
	before, s := m.look(rt, t.ID), m.jobs[t.ID]
	c, ok, err := p.committer.Start(m.ctx, t)
	require.NoError(rt, err)
	require.False(rt, ok && p.dead, "the dead are granted nothing")
	if before.state == job.Dispatched && before.epoch == t.Epoch && !p.dead {
		stays := m.covered(s) || m.aged[t] && s.kind == job.SendMessage
		require.Equal(rt, !stays, ok, "job %d: held or its token is stale, or not", t.ID)
		if stays {
			before.state = job.Ready
			require.Equal(rt, before, m.look(rt, t.ID))
		}
	}
	if ok && !answerLost(rt) {
		p.running[t] = &execution{claimed: c}
	}
}

func answerLost(rt *rapid.T) bool { return rapid.IntRange(0, 7).Draw(rt, "answer lost") == 0 }

func (m *model) take(rt *rapid.T) {
	p := m.some(rt)
	got := m.takeFor(rt, p, m.pick(rt))
	require.False(rt, len(got) > 0 && p.dead, "the dead are granted nothing")
	if len(got) > 0 && answerLost(rt) {
		for _, e := range got {
			delete(p.running, e.ticket())
		}
	}
}

func (m *model) takeFor(rt *rapid.T, p *process, pick job.Pick) (got []*execution) {
	rt.Helper()
	jobs, err := m.b.Take(m.ctx, pick, p.id)
	require.NoError(rt, err)
	for _, c := range jobs {
		e := &execution{claimed: c}
		m.handOut(rt, e.ticket())
		p.running[e.ticket()] = e
		got = append(got, e)
	}
	return got
}

// attempt is the ordinary life of a job in one step.
func (m *model) attempt(rt *rapid.T) {
	alive := m.alive()
	if len(alive) == 0 {
		rt.Skip("nobody lives")
	}
	p, pick := rapid.SampledFrom(alive).Draw(rt, "process"), all(1)
	pick.Blocked = m.blocked
	for _, e := range m.takeFor(rt, p, pick) {
		if rapid.Bool().Draw(rt, "sends") {
			m.sendOut(rt, e)
		}
		m.report(rt, p, e, e.outcome(rt))
	}
}
