package ledger_test

import (
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// operate does something with one job and returns whether it was changed.
func (m *model) operate(rt *rapid.T, kind operation.Kind, id int64) bool {
	rt.Helper()
	o, err := m.b.Operate(m.ctx, operation.Request{Kind: kind, Filter: inspect.Filter{IDs: []int64{id}}, Actor: "ana"})
	require.NoError(rt, err)
	if o.Done == 1 {
		m.bulk = append(m.bulk, o.ID)
	}
	return o.Done == 1
}

// bulkOf makes an action: a job in one of these states goes to another, any other
// job is left alone.
func (m *model) bulkOf(kind operation.Kind, to func(traces) job.State) func(*rapid.T) {
	return func(rt *rapid.T) {
		id := rapid.SampledFrom(m.ids).Draw(rt, "job")
		before := m.look(rt, id)
		done := m.operate(rt, kind, id)
		after := m.look(rt, id)
		require.Equal(rt, slices.Contains(kind.Takes(), before.state), done, "%s of a %s job", kind, before.state)
		if !done {
			require.Equal(rt, before, after)
			return
		}
		require.Equal(rt, to(before), after.state)
		if after.state == inHistory {
			m.jobs[id].cancelled = true
		}
	}
}

func (m *model) bulkActions() map[string]func(*rapid.T) {
	always := func(s job.State) func(traces) job.State { return func(traces) job.State { return s } }
	return map[string]func(*rapid.T){
		"retryDead": m.bulkOf(operation.Retry, always(job.Ready)),
		"holdJobs":  m.bulkOf(operation.Hold, always(job.Held)),
		"discard":   m.bulkOf(operation.Discard, always(inHistory)),
		"release":   m.release,
		"undo":      m.undo,
	}
}

// release lets a held job wait again, for its time or for a worker.
func (m *model) release(rt *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(rt, "job")
	before := m.look(rt, id).state
	require.Equal(rt, before == job.Held, m.operate(rt, operation.Release, id))
	if before == job.Held {
		require.Contains(rt, []job.State{job.Scheduled, job.Ready}, m.look(rt, id).state)
	}
}

// undo takes back what an operator did some time ago, as far as that can be
// done. What comes back from history was overtaken meanwhile.
func (m *model) undo(rt *rapid.T) {
	if len(m.bulk) == 0 {
		rt.Skip("nothing was done")
	}
	id := rapid.SampledFrom(m.bulk).Draw(rt, "operation")
	before, _ := m.read(rt)
	_, err := m.b.Operate(m.ctx, operation.Request{Kind: operation.Undo, Undo: id, Actor: "ana"})
	require.NoError(rt, err)
	after, _ := m.read(rt)
	for id, r := range after {
		s := m.jobs[id]
		if _, lived := before[id]; !lived {
			require.True(rt, s.cancelled, "job %d came back though it was done", id)
			s.cancelled, s.final, s.excused = false, false, true
		}
		require.GreaterOrEqual(rt, r.Epoch, before[id].Epoch, "an epoch never falls")
	}
}

// releaseAll ends every hold of a job.
func (m *model) releaseAll(rt *rapid.T) {
	_, err := m.b.Operate(m.ctx, operation.Request{Kind: operation.Release, Actor: "ana"})
	require.NoError(rt, err)
}
