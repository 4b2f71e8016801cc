package ledger_test

import (
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// resolve is the word of an operator on doubt, right or wrong: what it sets free
// may be sent once more.
func (m *model) resolve(rt *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(rt, "job")
	how := rapid.SampledFrom([]inspect.Resolution{inspect.ResolvedSent, inspect.ResolvedNotSent, inspect.ResolvedResend}).Draw(rt, "how")
	before, s := m.look(rt, id), m.jobs[id]
	_, err := m.b.Resolve(m.ctx, 1, id, how, "ana")
	if before.state != job.Uncertain {
		require.Equal(rt, inbox.Conflict, inbox.KindOf(err), "only doubt is resolved")
		require.Equal(rt, before, m.look(rt, id))
		return
	}
	require.NoError(rt, err)
	want := map[inspect.Resolution]job.State{
		inspect.ResolvedSent: inHistory, inspect.ResolvedNotSent: job.Dead, inspect.ResolvedResend: job.Ready,
	}[how]
	require.Equal(rt, want, m.look(rt, id).state)
	s.vouched = s.vouched || how == inspect.ResolvedSent
	if how != inspect.ResolvedSent {
		s.allowance, s.unsaid = s.sends+1, false
	}
}

func (m *model) revive(rt *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(rt, "job")
	before := m.look(rt, id).state
	require.NoError(rt, pgx.BeginFunc(m.ctx, m.b.pool, func(tx pgx.Tx) error {
		ok, err := m.b.Revive(m.ctx, tx, 1, id)
		require.Equal(rt, before == job.Dead, ok, "only the dead are revived")
		return err
	}))
}

// settle is a status webhook: it can only speak of what was sent.
func (m *model) settle(rt *rapid.T) {
	var sent []int64
	for _, id := range m.ids {
		if s := m.jobs[id]; s.sends > 0 && !s.again {
			sent = append(sent, id)
		}
	}
	if len(sent) == 0 {
		rt.Skip("nothing was sent")
	}
	id := rapid.SampledFrom(sent).Draw(rt, "job")
	before := m.look(rt, id).state
	require.NoError(rt, pgx.BeginFunc(m.ctx, m.b.pool, func(tx pgx.Tx) error {
		_, err := m.b.Settle(m.ctx, tx, []job.Settlement{{ID: id}, {ID: 987654}})
		return err
	}))
	if before != job.Dead { // a dead job's message is judged by the caller
		require.Equal(rt, inHistory, m.look(rt, id).state)
	}
}
