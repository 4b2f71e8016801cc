package ledger_test

import (
	"context"
	"maps"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Everything that can happen to a handful of messages, in any order, against
// the real statements: both lanes, copies lost, late, too old and doubled,
// claims whose answer is lost, pacing, recalls at any moment, crashes, workers
// declared dead rightly and wrongly, status webhooks, operators who hold,
// hold, release, discard, undo,
// cancel, resolve and retry. Whatever happens, no message is sent more often
// than somebody has allowed, none disappears, nothing held or cancelled begins,
// and conversations keep their order.
func TestModel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.org(t, 1)
	b.org(t, 2)
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, rt, b)
		rt.Repeat(m.actions())
		m.drain(rt)
	})
}

// actions by name; what happens more often than the rest has several.
func (m *model) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){
		"": m.check, "insert": m.insert, "crash": m.crash, "declareDead": m.declareDead, "join": m.join,
		"orphans": m.orphans, "strays": m.strays, "recall": m.recall, "recallAll": m.recallAll,
		"settle": m.settle, "promote": m.promote, "revive": m.revive, "pace": m.pace, "paceLate": m.paceLate, "age": m.age,
		"hold": m.hold, "unhold": m.unhold, "recallHeld": m.recallHeld, "recallDial": m.recallDial, "recallDoubtful": m.recallDoubtful, "block": m.block,
		"cancel": m.cancel, "sweep": m.sweep, "resolve": m.resolve,
	}
	maps.Copy(actions, m.bulkActions())
	for _, again := range []string{"", "2", "3"} {
		actions["dispatch"+again] = m.dispatch
		actions["deliver"+again] = m.deliver
		actions["take"+again] = m.take
		actions["attempt"+again] = m.attempt
		actions["send"+again] = m.send
		actions["finish"+again] = m.finish
	}
	return actions
}

// model is what an all-knowing observer sees.
type model struct {
	b         *bundle
	ctx       context.Context //nolint:containedctx // one test run
	processes []*process
	issued    []job.Ticket        // every hand-out ever made by the redis lane: any of them may arrive at any time
	handed    map[job.Ticket]bool // by either lane
	aged      map[job.Ticket]bool // on their way for too long
	holds     []control.Hold
	blocked   []int64 // channels
	bulk      []int64 // operations that changed something
	jobs      map[int64]*shadow
	live      map[int64]row // as the last check saw them
	ids       []int64       // of jobs, in order of insertion
}

func newModel(t *testing.T, rt *rapid.T, b *bundle) *model {
	t.Helper()
	m := &model{b: b, ctx: t.Context(), jobs: map[int64]*shadow{}, handed: map[job.Ticket]bool{}, aged: map[job.Ticket]bool{}}
	m.sql(rt, `DELETE FROM jobs`, `DELETE FROM job_history`, `DELETE FROM job_events`, `DELETE FROM workers`, `DELETE FROM holds`, `DELETE FROM operations`, `DELETE FROM operation_items`,
		`SELECT setval(pg_get_serial_sequence('jobs', 'id'), 1, false)`)
	m.join(rt)
	m.join(rt)
	for range 3 {
		m.insert(rt)
	}
	return m
}

func (m *model) sql(rt *rapid.T, statements ...string) {
	rt.Helper()
	batch := &pgx.Batch{}
	for _, s := range statements {
		batch.Queue(s)
	}
	require.NoError(rt, m.b.pool.SendBatch(m.ctx, batch).Close())
}
