package ledger_test

import (
	"maps"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// covered asks the rule in Go whether a hold covers a job.
func (m *model) covered(s *shadow) bool {
	return slices.ContainsFunc(m.holds, func(h control.Hold) bool { return h.Holds(1, job.WhatsApp, s.kind, time.Now()) })
}

// hold adds a pause; those of somebody else's org hold nothing here.
func (m *model) hold(rt *rapid.T) {
	if len(m.holds) >= 2 {
		rt.Skip("enough holds")
	}
	h := rapid.SampledFrom([]control.Hold{
		{OrgID: 1}, {Type: job.SendMessage}, {Type: job.RunAutomation}, {Queue: job.WhatsApp}, {OrgID: 2},
	}).Draw(rt, "hold")
	h.Owner = "ana"
	added, _, err := m.b.AddHold(m.ctx, h, 0)
	require.NoError(rt, err)
	m.holds = append(m.holds, added)
}

func (m *model) unhold(rt *rapid.T) {
	if len(m.holds) == 0 {
		rt.Skip("nothing is held")
	}
	i := rapid.IntRange(0, len(m.holds)-1).Draw(rt, "hold")
	_, _, err := m.b.ReleaseHolds(m.ctx, []int64{m.holds[i].ID}, "ana")
	require.NoError(rt, err)
	m.holds = slices.Delete(m.holds, i, i+1)
}

// recallHeld leaves nothing on its way that a hold covers.
func (m *model) recallHeld(rt *rapid.T) {
	_, err := m.b.RecallHeld(m.ctx)
	require.NoError(rt, err)
	live, _ := m.read(rt)
	for id, r := range live {
		require.False(rt, m.covered(m.jobs[id]) && r.State == job.Dispatched, "job %d is held and on its way", id)
	}
}

func (m *model) recallDial(rt *rapid.T) {
	_, err := m.b.RecallDial(m.ctx, job.WhatsApp, rapid.SampledFrom([]int{0, 50, 100}).Draw(rt, "dial"))
	require.NoError(rt, err)
}

// recallDoubtful leaves nothing on its way that this process handed out.
func (m *model) recallDoubtful(rt *rapid.T) {
	p := m.some(rt)
	_, err := m.b.RecallOwn(m.ctx, "claim_lost", p.id)
	require.NoError(rt, err)
	var left int
	require.NoError(rt, m.b.pool.QueryRow(m.ctx, `SELECT count(*) FROM jobs WHERE (state+0) = 2 AND worker_id = $1`, p.id).Scan(&left))
	require.Zero(rt, left)
}

// block pauses a channel, or lets it go on.
func (m *model) block(rt *rapid.T) {
	c := rapid.SampledFrom([]int64{1, 2}).Draw(rt, "channel")
	if i := slices.Index(m.blocked, c); i >= 0 {
		m.blocked = slices.Delete(slices.Clone(m.blocked), i, i+1)
		return
	}
	m.blocked = append(slices.Clone(m.blocked), c)
}

// cancel is acknowledged for what has not begun. What runs is asked; doubt and
// the dead are left alone.
func (m *model) cancel(rt *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(rt, "job")
	before := m.look(rt, id)
	ended, asked, err := m.b.Cancel(m.ctx, inspect.Filter{IDs: []int64{id}}, "ana")
	require.NoError(rt, err)
	after := m.look(rt, id)
	switch before.state {
	case job.Scheduled, job.Ready, job.Dispatched, job.Held:
		require.Equal(rt, [2]int{1, 0}, [2]int{ended, asked})
		require.Equal(rt, inHistory, after.state)
		m.jobs[id].cancelled = true
	case job.Running:
		require.Equal(rt, [2]int{0, 1}, [2]int{ended, asked})
		require.True(rt, after.asked)
	default:
		require.Equal(rt, [2]int{0, 0}, [2]int{ended, asked})
		require.Equal(rt, before, after, "a cancel touched what it must not")
	}
}

// sweep ends what was asked to stop and came back; nothing else.
func (m *model) sweep(rt *rapid.T) {
	before, _ := m.read(rt)
	require.NoError(rt, m.b.SweepCancelled(m.ctx))
	for id, b := range before {
		after := b
		if b.Asked && b.State != job.Running && b.State != job.Uncertain && b.State != job.Dead {
			after, m.jobs[id].cancelled = row{}, true
		}
		before[id] = after
	}
	maps.DeleteFunc(before, func(_ int64, r row) bool { return r == row{} })
	live, _ := m.read(rt)
	require.Equal(rt, before, live, "the sweep ends what was asked to stop and has come back, and nothing else")
}
