package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bandeja/inboxd/daemon/bench/internal/gauge"
	"github.com/bandeja/inboxd/daemon/bench/internal/peer"
	"github.com/bandeja/inboxd/daemon/bench/internal/report"
)

const (
	pace       = 2 * time.Millisecond // between two jobs of the latency part: 500 a second
	longestRun = 3 * time.Minute      // of one contender in one round
)

// contenders are made anew for every round.
func (b *Bench) contenders() []peer.Peer {
	return []peer.Peer{
		&peer.Inboxd{Redis: true}, &peer.Asynq{}, &peer.Asynq{Servers: 16},
		&peer.Inboxd{}, &peer.River{}, &peer.BullMQ{Dir: b.Cache + "/bullmq"},
	}
}

// EndToEnd measures jobs from their insert to their recorded outcome: as many as
// go, and how long each waits at a steady pace.
func EndToEnd(ctx context.Context, b *Bench) ([]*report.Table, error) {
	jobs, costs := endToEndTable(b.Plan), costsTable()
	for round := range b.Plan.Rounds {
		for _, p := range b.contenders() {
			f := p.Facts()
			if !b.Peers.MatchString(f.Name) {
				continue
			}
			s := session{b: b, peer: p, name: f.Name, jobs: jobs, costs: costs, first: round == 0, paced: true}
			if err := limited(ctx, longestRun, s.run); err != nil {
				b.say("%s: %v", f.Name, err)
				jobs.Row(f.Name).Note = "not available: " + err.Error()
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	return []*report.Table{jobs, costs}, nil
}

func endToEndTable(p Plan) *report.Table {
	return &report.Table{
		Name: "jobs", Title: "Jobs end to end",
		Intro: fmt.Sprintf("%d jobs that do nothing, inserted and run at the same time, until every outcome is recorded; then the wait from the call that "+
			"adds a job to its start, at 500 jobs a second, added one by one; and the processor time of the process while there is nothing to do.", p.Jobs),
		Columns: []report.Column{
			{Key: "rate", Title: "jobs/s"},
			{Key: "p50", Title: "P50 ms", Digits: 2},
			{Key: "p99", Title: "P99 ms", Digits: 2},
			{Key: "idle", Title: "idle, % of a core", Digits: 1},
		},
	}
}

func costsTable() *report.Table {
	return &report.Table{
		Name: "costs", Title: "What a job costs",
		Intro: "Of the same runs. The process is the contender's with its feeder; statements and commits are PostgreSQL's, reads are the round trips that Redis saw.",
		Columns: []report.Column{
			{Key: "process", Title: "process µs"},
			{Key: "postgres", Title: "PostgreSQL µs"},
			{Key: "redis", Title: "Redis µs"},
			{Key: "all", Title: "all µs"},
			{Key: "statements", Title: "statements", Digits: 3},
			{Key: "commits", Title: "commits", Digits: 3},
			{Key: "wal", Title: "WAL bytes"},
			{Key: "reads", Title: "Redis reads", Digits: 2},
		},
	}
}

// session is one contender in one round.
type session struct {
	b     *Bench
	peer  peer.Peer
	name  string // of its row
	tally peer.Tally
	jobs  *report.Table
	costs *report.Table
	first bool
	paced bool // also the steady pace
}

func (s *session) run(ctx context.Context) (err error) {
	servers, err := s.b.Rig.Fresh(ctx)
	if err != nil {
		return err
	}
	defer servers.Close(ctx)
	name := s.name
	if err := s.peer.Start(ctx, servers, &s.tally); err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		err = errors.Join(err, s.peer.Stop(stopping))
	}()
	meter := func(f func() error) (gauge.Usage, error) {
		m, err := gauge.Begin(ctx, servers, s.peer.PIDs)
		if err != nil {
			return gauge.Usage{}, err
		}
		err = f()
		u, errEnd := m.End(ctx)
		return u, errors.Join(err, errEnd)
	}
	if s.first {
		u, err := meter(func() error { return pause(ctx, s.b.Plan.Idle) })
		if err != nil {
			return err
		}
		s.jobs.Add(name, "idle", 100*u.Process.Seconds()/u.Wall.Seconds())
	}
	if s.paced {
		if err := s.latency(ctx, name); err != nil {
			return fmt.Errorf("steady pace: %w", err)
		}
	}
	var u gauge.Usage
	err = s.b.profiled(ctx, servers, name, func() (err error) { // it resets the counts of statements before
		u, err = meter(func() error { return s.throughput(ctx) })
		return err
	})
	if err != nil {
		return fmt.Errorf("as many as go: %w", err)
	}
	s.note(name, u)
	return nil
}

func (s *session) note(name string, u gauge.Usage) {
	n := float64(s.b.Plan.Jobs)
	s.jobs.Add(name, "rate", n/u.Wall.Seconds())
	micros := func(d time.Duration) float64 { return float64(d.Microseconds()) / n }
	for key, v := range map[string]float64{
		"process": micros(u.Process), "postgres": micros(u.Postgres), "redis": micros(u.Redis), "all": micros(u.Process + u.Postgres + u.Redis),
		"statements": float64(u.Statements) / n, "commits": float64(u.Commits) / n, "wal": float64(u.WAL) / n, "reads": float64(u.Reads) / n,
	} {
		s.costs.Add(name, key, v)
	}
	s.b.say("%-22s %7.0f jobs/s, P50 %5.2f ms, P99 %6.2f ms; µs per job: process %3.0f, postgres %3.0f, redis %3.0f", name, n/u.Wall.Seconds(),
		s.jobs.Figure(name, "p50").Median(), s.jobs.Figure(name, "p99").Median(), micros(u.Process), micros(u.Postgres), micros(u.Redis))
}

// throughput feeds all jobs and waits until each has run and is settled.
func (s *session) throughput(ctx context.Context) error {
	ran := s.tally.Goal(s.b.Plan.Jobs)
	if err := s.peer.Feed(ctx, s.b.Plan.Jobs); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	if err := s.await(ctx, ran); err != nil {
		return err
	}
	return peer.AwaitSettled(ctx, s.peer)
}

func (s *session) await(ctx context.Context, ran <-chan struct{}) error {
	select {
	case <-ran:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d jobs have run: %w", s.tally.Count(), ctx.Err())
	}
}

// warm is how long the steady pace goes on before it counts: connections are
// opened and statements prepared by whoever needs them first.
const warm = time.Second

// latency measures the waits of jobs that are added at a steady pace.
func (s *session) latency(ctx context.Context, name string) error {
	if _, err := s.waits(ctx, warm); err != nil {
		return err
	}
	waits, err := s.waits(ctx, s.b.Plan.Latency)
	if err != nil {
		return err
	}
	s.jobs.Add(name, "p50", gauge.At(waits, 0.5))
	s.jobs.Add(name, "p99", gauge.At(waits, 0.99))
	return peer.AwaitSettled(ctx, s.peer)
}

// waits adds jobs at a steady pace, whatever becomes of them: a slow answer must
// not slow the questions down.
func (s *session) waits(ctx context.Context, lasts time.Duration) ([]time.Duration, error) {
	n := int(lasts / pace)
	ran := s.tally.Goal(n)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	var sends errgroup.Group
	sends.SetLimit(64)
	for range n {
		<-tick.C
		at := time.Now()
		sends.Go(func() error { return s.peer.Send(ctx, at) })
	}
	if err := sends.Wait(); err != nil {
		return nil, err
	}
	if err := s.await(ctx, ran); err != nil {
		return nil, err
	}
	return s.tally.Waits(), nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
