package ledger_test

import (
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// pace is a dispatcher's round in which a number or a pair must wait: what has
// just left goes back before it began, at no cost. After a wait it is scheduled,
// and its conversation waits with it.
func (m *model) pace(rt *rapid.T) {
	p := m.some(rt)
	var got []job.Ticket
	if rapid.Bool().Draw(rt, "by redis") {
		got = m.dispatchBy(rt, p)
	} else {
		for _, e := range m.takeFor(rt, p, m.pick(rt)) {
			delete(p.running, e.ticket())
			got = append(got, e.ticket())
		}
	}
	var deferrals []job.Deferral
	for _, t := range got {
		deferrals = append(deferrals, job.Deferral{Ticket: t, After: time.Duration(rapid.IntRange(0, 1).Draw(rt, "hours")) * time.Hour})
	}
	require.NoError(rt, m.b.Defer(m.ctx, deferrals, p.id))
	for _, d := range deferrals {
		want := job.Ready
		if d.After > 0 {
			want = job.Scheduled
		}
		require.Equal(rt, want, m.look(rt, d.ID).state, "job %d was paced", d.ID)
	}
}

// paceLate puts back by an old copy's name: only what is still on its way under
// that name.
func (m *model) paceLate(rt *rapid.T) {
	if len(m.issued) == 0 {
		rt.Skip("nothing was handed out")
	}
	p, t := m.some(rt), rapid.SampledFrom(m.issued).Draw(rt, "copy")
	if p.running[t] != nil {
		return // begun: no dispatcher's any more
	}
	before := m.look(rt, t.ID)
	require.NoError(rt, m.b.Defer(m.ctx, []job.Deferral{{Ticket: t}}, p.id))
	if after := m.look(rt, t.ID); before.epoch != t.Epoch {
		require.Equal(rt, before, after, "a newer hand-out was put back by the name of an old one")
	}
}

// age makes every ticket on its way older than its token.
func (m *model) age(rt *rapid.T) {
	rows, err := m.b.pool.Query(m.ctx, `
UPDATE jobs SET dispatched_at = dispatched_at - interval '16 s' WHERE state = 2 RETURNING id, epoch`)
	require.NoError(rt, err)
	old, err := pgx.CollectRows(rows, pgx.RowToStructByPos[job.Ticket])
	require.NoError(rt, err)
	for _, t := range old {
		m.aged[t] = true
	}
}

// promote lets the time of everything scheduled come.
func (m *model) promote(rt *rapid.T) {
	m.sql(rt, `UPDATE jobs SET run_at = clock_timestamp() WHERE state = 0`)
	_, err := m.b.poll(m.ctx)
	require.NoError(rt, err)
}
