package ledger_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// Everything that can happen to a handful of messages, in any order, against
// the real statements: both lanes, copies lost, late and doubled, claims whose
// answer is lost, recalls at any moment, crashes, workers declared dead rightly
// and wrongly, status webhooks, operators. Whatever happens, no message is sent
// twice, none disappears, and conversations keep their order.
func TestModel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.org(t, 1)
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, rt, b)
		rt.Repeat(map[string]func(*rapid.T){
			"":             m.check,
			"insert":       m.insert,
			"dispatch":     m.dispatch,
			"deliver":      m.deliver,
			"deliverAgain": m.deliver,
			"take":         m.take,
			"attempt":      m.attempt,
			"attemptMore":  m.attempt,
			"send":         m.send,
			"sendMore":     m.send,
			"finish":       m.finish,
			"finishMore":   m.finish,
			"crash":        m.crash,
			"declareDead":  m.declareDead,
			"join":         m.join,
			"orphans":      m.orphans,
			"strays":       m.strays,
			"recall":       m.recall,
			"recallAll":    m.recallAll,
			"settle":       m.settle,
			"promote":      m.promote,
			"revive":       m.revive,
			"hold":         m.hold,
			"cancel":       m.cancel,
			"sweep":        m.sweep,
			"resolve":      m.resolve,
			"pace":         m.pace,
			"expire":       m.expire,
		})
		m.drain(rt)
	})
}

// model is what an all-knowing observer sees.
type model struct {
	b         *bundle
	ctx       context.Context //nolint:containedctx // one test run
	processes []*process
	issued    []job.Ticket        // every hand-out ever made by the redis lane: any of them may arrive at any time
	handed    map[job.Ticket]bool // by either lane
	jobs      map[int64]*shadow
	ids       []int64 // of jobs, in order of insertion
	held      bool    // a hold covers them all
}

// process is a worker: alive, crashed, or declared dead and still running (its
// fence is closed then: it sends nothing new).
type process struct {
	id            int64
	committer     *ledger.Committer
	running       map[job.Ticket]*execution
	crashed, dead bool
}

type execution struct {
	claimed job.Claimed
	sent    bool
}

// shadow is a job as the world outside sees it.
type shadow struct {
	serial    int64
	priority  job.Priority
	again     bool // may be run again when in doubt
	sends     int
	allowance int  // sends it may have: one, and one more per doubt if it may be run again
	excused   bool // was dead, uncertain or not due once: others may overtake it
	final     bool
	cancelled bool // acknowledged: it will not run
	resolved  bool // by an operator, who may be wrong
}

func newModel(t *testing.T, rt *rapid.T, b *bundle) *model {
	t.Helper()
	m := &model{b: b, ctx: t.Context(), jobs: map[int64]*shadow{}, handed: map[job.Ticket]bool{}}
	m.sql(rt, `DELETE FROM holds`, `DELETE FROM jobs`, `DELETE FROM job_history`, `DELETE FROM job_events`, `DELETE FROM workers`,
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

// join starts a process.
func (m *model) join(rt *rapid.T) {
	if len(m.alive()) >= 3 {
		return
	}
	id, err := m.b.Register(m.ctx, ledger.Process{Host: "h", PID: 1, Mode: "worker", Version: "test", Slots: 8})
	require.NoError(rt, err)
	p := &process{id: id, committer: m.b.NewCommitter(id), running: map[job.Ticket]*execution{}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(m.ctx))
	done := make(chan struct{})
	go func() { p.committer.Run(ctx); close(done) }()
	rt.Cleanup(func() { cancel(); <-done })
	m.processes = append(m.processes, p)
}

func (m *model) alive() (alive []*process) {
	for _, p := range m.processes {
		if !p.crashed && !p.dead {
			alive = append(alive, p)
		}
	}
	return alive
}

// some draws a process that still runs; a zombie is one too.
func (m *model) some(rt *rapid.T) *process {
	var up []*process
	for _, p := range m.processes {
		if !p.crashed {
			up = append(up, p)
		}
	}
	if len(up) == 0 {
		rt.Skip("nobody runs")
	}
	return rapid.SampledFrom(up).Draw(rt, "process")
}

func (m *model) insert(rt *rapid.T) {
	if len(m.ids) >= 6 {
		rt.Skip("enough jobs")
	}
	n := job.New{
		OrgID: 1, Queue: job.WhatsApp, Type: job.SendMessage, SubjectID: 1,
		Priority:  rapid.SampledFrom([]job.Priority{job.Interactive, job.Bulk}).Draw(rt, "priority"),
		SerialKey: rapid.SampledFrom([]int64{1, 1, 1, 2, 0}).Draw(rt, "conversation"),
		Attempt:   rapid.SampledFrom([]int{0, 0, 3, 4}).Draw(rt, "attempts used"),
	}
	if rapid.IntRange(0, 3).Draw(rt, "again") == 0 {
		n.Type = job.RunAutomation
	}
	if rapid.IntRange(0, 4).Draw(rt, "later") == 0 {
		n.RunAt = time.Now().Add(time.Hour)
	}
	var ids []int64
	err := pgx.BeginFunc(m.ctx, m.b.pool, func(tx pgx.Tx) (err error) {
		ids, err = m.b.Insert(m.ctx, tx, n)
		return err
	})
	require.NoError(rt, err)
	m.ids = append(m.ids, ids[0])
	m.jobs[ids[0]] = &shadow{
		serial: n.SerialKey, priority: n.Priority, excused: !n.RunAt.IsZero(), allowance: 1, again: n.Type != job.SendMessage,
	}
}

func drawPick(rt *rapid.T) job.Pick {
	p := all(rapid.IntRange(1, 4).Draw(rt, "places"))
	if rapid.Bool().Draw(rt, "dial at 50") {
		p.DialTo = 50
	}
	if rapid.IntRange(0, 2).Draw(rt, "automations") == 0 {
		p.Type = job.RunAutomation
	}
	return p
}

func (m *model) dispatch(rt *rapid.T) {
	p := m.some(rt)
	handed, err := m.b.Dispatch(m.ctx, drawPick(rt), p.id)
	require.NoError(rt, err)
	require.False(rt, len(handed) > 0 && p.dead, "the dead hand out nothing")
	require.False(rt, len(handed) > 0 && m.held, "what is held was handed out")
	got := tickets(handed)
	slices.SortFunc(got, func(a, b job.Ticket) int { return int(a.ID - b.ID) })
	m.issued = append(m.issued, got...)
	m.handOut(rt, got...)
}

// handOut: an epoch is used once, or a stale copy would pass for a fresh one.
func (m *model) handOut(rt *rapid.T, tickets ...job.Ticket) {
	rt.Helper()
	for _, t := range tickets {
		require.False(rt, m.handed[t], "hand-out %s was made twice", t)
		m.handed[t] = true
	}
}

// deliver brings a copy to a process: a fresh one, an old one or one it had
// before. The answer of a granted claim may be lost on the way.
func (m *model) deliver(rt *rapid.T) {
	if len(m.issued) == 0 {
		rt.Skip("nothing was handed out")
	}
	p, t := m.some(rt), rapid.SampledFrom(m.issued).Draw(rt, "copy")
	if p.running[t] != nil {
		return // the pool knows it
	}
	before := m.look(rt, t.ID).state
	c, ok, err := p.committer.Start(m.ctx, t)
	require.NoError(rt, err)
	require.False(rt, ok && m.held && before != job.Running, "what is held was started")
	require.False(rt, ok && p.dead, "the dead are granted nothing")
	if ok && !answerLost(rt) {
		p.running[t] = &execution{claimed: c}
	}
}

func answerLost(rt *rapid.T) bool { return rapid.IntRange(0, 7).Draw(rt, "answer lost") == 0 }

func (m *model) take(rt *rapid.T) {
	p := m.some(rt)
	got := m.takeFor(rt, p, drawPick(rt))
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
	require.False(rt, len(jobs) > 0 && m.held, "what is held was taken")
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
	for _, e := range m.takeFor(rt, p, pick) {
		if rapid.Bool().Draw(rt, "sends") {
			m.sendOut(rt, e)
		}
		m.report(rt, p, e, e.outcome(rt))
	}
}

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
	e.sent = true
	s.sends++
	require.LessOrEqual(rt, s.sends, s.allowance, "job %d was sent again", id)
	require.False(rt, s.cancelled, "job %d was cancelled and is sent", id)
	for _, older := range m.ids {
		o := m.jobs[older]
		if older < id && o.serial == s.serial && s.serial != 0 && o.priority <= s.priority {
			require.True(rt, o.sends > 0 || o.excused || o.final, "job %d overtook job %d of its conversation", id, older)
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
}

func (m *model) look(rt *rapid.T, id int64) (got traces) {
	rt.Helper()
	require.NoError(rt, m.b.pool.QueryRow(m.ctx, `
SELECT coalesce((SELECT state FROM jobs WHERE id = $1), -1), coalesce((SELECT attempt FROM jobs WHERE id = $1), 0),
       (SELECT count(*) FROM job_events WHERE job_id = $1)`, id).Scan(&got.state, &got.attempt, &got.events))
	return got
}

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
	require.NoError(rt, pgx.BeginFunc(m.ctx, m.b.pool, func(tx pgx.Tx) error {
		_, err := m.b.Settle(m.ctx, tx, []job.Settlement{{ID: id}, {ID: 987654}})
		return err
	}))
	require.Equal(rt, inHistory, m.look(rt, id).state)
}

// promote lets the time of everything scheduled come.
func (m *model) promote(rt *rapid.T) {
	m.sql(rt, `UPDATE jobs SET run_at = clock_timestamp() WHERE state = 0`)
	_, err := m.b.poll(m.ctx)
	require.NoError(rt, err)
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
