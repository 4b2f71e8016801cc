package ledger_test

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// crash ends a process without a word; what it sent is sent.
func (m *model) crash(rt *rapid.T) {
	p := m.some(rt)
	p.crashed = true
	m.doubt(p)
	clear(p.running)
}

// doubt: what p has sent and not reported may be sent again by others, where
// that is allowed.
func (m *model) doubt(p *process) {
	for _, e := range p.running {
		if s := m.jobs[e.claimed.ID]; e.sent && s.again {
			s.allowance++
		}
	}
}

// declareDead may be right or wrong; the process is fenced either way.
func (m *model) declareDead(rt *rapid.T) {
	p := rapid.SampledFrom(m.processes).Draw(rt, "process")
	if p.dead {
		return
	}
	m.bury(rt, p)
	if rapid.Bool().Draw(rt, "its jobs are found at once") {
		m.orphans(rt)
	}
}

func (m *model) bury(rt *rapid.T, p *process) {
	rt.Helper()
	at, ok, err := m.b.DeclareDead(m.ctx, p.id, 0)
	require.NoError(rt, err)
	require.True(rt, ok)
	p.dead = true
	m.doubt(p)
	_, err = m.b.RecallBefore(m.ctx, "worker_lost", at)
	require.NoError(rt, err)
}

func (m *model) orphans(rt *rapid.T) {
	_, err := m.b.Orphans(m.ctx)
	require.NoError(rt, err)
}

func (m *model) strays(rt *rapid.T) {
	p := m.some(rt)
	_, err := m.b.ReleaseStrays(m.ctx, p.id, 0, func(t job.Ticket) bool { return p.running[t] != nil })
	require.NoError(rt, err)
}

func (m *model) recall(rt *rapid.T) {
	if len(m.issued) == 0 {
		rt.Skip("nothing was handed out")
	}
	t := rapid.SampledFrom(m.issued).Draw(rt, "copy")
	n, err := m.b.Recall(m.ctx, "test", []job.Ticket{t})
	require.NoError(rt, err)
	require.False(rt, n > 0 && m.handed[job.Ticket{ID: t.ID, Epoch: t.Epoch + 1}], "a newer hand-out was recalled by the name of an old one")
}

func (m *model) recallAll(rt *rapid.T) {
	_, err := m.b.RecallOlder(m.ctx, "test", 0)
	require.NoError(rt, err)
}
