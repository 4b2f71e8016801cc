package ledger_test

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// drain lets the faults end: every old process is declared dead and a fresh one
// takes what is left. Then nothing may be stuck.
func (m *model) drain(rt *rapid.T) {
	rt.Helper()
	for _, p := range m.processes {
		if !p.dead {
			m.bury(rt, p)
		}
	}
	for len(m.holds) > 0 {
		m.unhold(rt)
	}
	m.blocked = nil
	m.releaseAll(rt)
	m.orphans(rt)
	m.recallAll(rt)
	m.join(rt)
	fresh := m.processes[len(m.processes)-1]
	for range 3 * len(m.ids) {
		m.check(rt) // notes who may be overtaken
		m.promote(rt)
		m.sweep(rt)
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
