package ledger_test

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

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
	serial, channel int64
	kind            job.Type
	priority        job.Priority
	again           bool // may be run again when in doubt
	sends           int
	allowance       int  // sends it may have: one, and one more per doubt if it may be run again, or per word of an operator
	unsaid          bool // sent since an operator's last word
	vouched         bool // an operator said that it was sent
	excused         bool // was dead, uncertain or not due once: others may overtake it
	final           bool
	cancelled       bool // and acknowledged
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
	n.ChannelID = n.SerialKey
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
		serial: n.SerialKey, channel: n.ChannelID, kind: n.Type, priority: n.Priority,
		excused: !n.RunAt.IsZero(), allowance: 1, again: n.Type != job.SendMessage,
	}
}
