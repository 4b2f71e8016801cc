package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// drainTimeout bounds how long what is under way may take to end.
const drainTimeout = 30 * time.Second

// Run plays until o.For is over, the front program ends, or ctx ends; all three
// are orderly ends. With For or Report it then waits for what is under way, at
// most 30 s, and reports. It returns when everything is stopped.
func Run(ctx context.Context, o Options) (err error) {
	if len(o.Argv) == 0 || o.Migrate == nil || o.OpenRecords == nil {
		return errors.New("dev: Argv, Migrate and OpenRecords are required")
	}
	if err := o.Check(); err != nil {
		return err
	}
	o = o.withDefaults()
	began := time.Now()
	s := &stage{options: o, settings: readSettings(o.Environ)}
	defer func() { err = errors.Join(err, s.strike(ctx)) }()
	if err := s.build(ctx); err != nil {
		if ctx.Err() != nil {
			s.say("stopped before it was ready")
			return nil
		}
		return err
	}
	s.banner(time.Since(began))
	return s.play(ctx)
}

// play runs the traffic and, beside it, what the options ask for.
func (s *stage) play(ctx context.Context) error {
	mark, err := s.records.Mark(ctx)
	if err != nil {
		return fmt.Errorf("mark the begin: %w", err)
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	show := &show{stage: s, mark: mark, webhooksBefore: s.sim.Stats().Webhooks, inboundBefore: lastInbound(s.sim), began: time.Now()}
	agents := newAgents(s.api, s.journal)
	acting, end := context.WithCancel(ctx)
	defer end()
	if s.options.For > 0 {
		acting, end = context.WithTimeout(acting, s.options.For)
		defer end()
	}
	var side sync.WaitGroup
	var frontErr, mishapErr error
	side.Go(func() { mishapErr = befall(acting, s.mishaps()) })
	if len(s.options.Front) > 0 {
		side.Go(func() {
			defer end()
			frontErr = s.front(acting)
		})
	}
	t := &traffic{
		sim: s.sim, agents: agents, rate: s.options.Rate, logger: s.options.Logger,
		script: newScript(s.options.Seed, s.orgs), bulk: newScript(s.options.Seed+1, s.orgs),
	}
	t.run(acting, work)
	show.lasted = time.Since(show.began)
	side.Wait()
	if !s.options.reports() {
		stopWork()
		agents.finish()
		return errors.Join(frontErr, mishapErr)
	}
	return errors.Join(frontErr, mishapErr, show.close(context.WithoutCancel(ctx), agents, stopWork))
}

// front runs the front program in the terminal. It must be the one that gets
// ctrl-C, so it stays in our process group.
func (s *stage) front(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.options.Front[0], s.options.Front[1:]...) //nolint:gosec // Our caller chose it.
	cmd.Env = s.settings.environ(map[string]string{"INBOXCTL_SERVER": "unix://" + s.socket})
	cmd.Stdout, cmd.Stderr = s.options.Stdout, s.options.Stderr
	if s.options.Stdin != nil {
		cmd.Stdin = s.options.Stdin
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", s.options.Front[0], err)
	}
	return nil
}

// say tells the user something, unless a front program has the terminal.
func (s *stage) say(format string, args ...any) {
	if len(s.options.Front) == 0 {
		_, _ = fmt.Fprintf(s.options.Stderr, "dev: "+format+"\n", args...) // a closed terminal stops nothing
	}
}

// banner says what runs where.
func (s *stage) banner(took time.Duration) {
	s.say("ready in %.1f s (seed %d)", took.Seconds(), s.options.Seed)
	for _, line := range [][2]string{
		{"api", s.apiURL},
		{"operators", "unix://" + s.socket},
		{"simulator", s.sim.URL() + "/sim/"},
		{"postgresql", s.databaseURL},
		{"redis", s.redisURL},
		{"logs", s.stack.Dir},
		{"everything", s.board.path},
	} {
		s.say("  %-11s %s", line[0], line[1])
	}
}
