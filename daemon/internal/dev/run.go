package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// stopTimeout bounds the stop of each part.
const stopTimeout = 30 * time.Second

// run is one run of development mode and everything it has started.
type run struct {
	options  Options
	settings settings
	secrets  secrets
	stack    *devstack.Stack
	sim      *metasim.Sim
	roles    []role
	children *children
	admin    *admin.Client
	orgs     []*org
	api      *api
	journal  *journal
	manifest manifestFile
	records  Records

	databaseURL, redisURL, apiURL, socket string
	cleanups                              []func(ctx context.Context) error
}

// Run sets everything up and runs traffic until o.For is over, the front
// program ends, or ctx ends; all three are orderly ends. With For or Report it
// then waits for what is under way, at most 30 s, and reports. It returns when
// everything is stopped.
func Run(ctx context.Context, o Options) (err error) {
	if len(o.Argv) == 0 || o.Migrate == nil || o.OpenRecords == nil {
		return errors.New("dev: Argv, Migrate and OpenRecords are required")
	}
	if err := o.Check(); err != nil {
		return err
	}
	o = o.withDefaults()
	began := time.Now()
	r := &run{options: o, settings: readSettings(o.Environ)}
	defer func() { err = r.end(ctx, err) }()
	if err := r.setup(ctx); err != nil {
		if ctx.Err() != nil {
			r.say("stopped before it was ready")
			return nil
		}
		return err
	}
	r.banner(time.Since(began))
	return r.traffic(ctx)
}

// onTeardown adds what teardown is to do, the last first.
func (r *run) onTeardown(do func(ctx context.Context) error) { r.cleanups = append(r.cleanups, do) }

// end stops everything. What failed named logs: they stay.
func (r *run) end(ctx context.Context, err error) error {
	if err != nil && r.stack != nil {
		err = fmt.Errorf("%w\nThe logs are in %s", err, r.stack.KeepLogs())
	}
	return errors.Join(err, r.teardown(ctx))
}

// teardown stops everything in the reverse order of its start.
func (r *run) teardown(ctx context.Context) error {
	var errs []error
	for _, do := range slices.Backward(r.cleanups) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		errs = append(errs, do(bounded))
		cancel()
	}
	r.cleanups = nil
	return errors.Join(errs...)
}

// front runs the front program in the terminal. It must be the one that gets
// ctrl-C, so it stays in our process group.
func (r *run) front(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, r.options.Front[0], r.options.Front[1:]...) //nolint:gosec // Our caller chose it.
	cmd.Env = r.settings.environ(map[string]string{"INBOXCTL_SERVER": "unix://" + r.socket})
	cmd.Stdout, cmd.Stderr = r.options.Stdout, r.options.Stderr
	if r.options.Stdin != nil {
		cmd.Stdin = r.options.Stdin
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", r.options.Front[0], err)
	}
	return nil
}

// say tells the user something, unless a front program has the terminal.
func (r *run) say(format string, args ...any) {
	if len(r.options.Front) == 0 {
		_, _ = fmt.Fprintf(r.options.Stderr, "dev: "+format+"\n", args...) // a closed terminal stops nothing
	}
}

// banner says what runs where.
func (r *run) banner(took time.Duration) {
	r.say("ready in %.1f s (seed %d)", took.Seconds(), r.options.Seed)
	for _, line := range [][2]string{
		{"api", r.apiURL},
		{"operators", "unix://" + r.socket},
		{"simulator", r.sim.URL() + "/sim/"},
		{"postgresql", r.databaseURL},
		{"redis", r.redisURL},
		{"logs", r.stack.Dir},
		{"everything", r.manifest.path},
	} {
		r.say("  %-11s %s", line[0], line[1])
	}
}
