// Command bench measures inboxd beside its peers, in one run, and writes what
// came of it as JSON and as a page. `make bench` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"github.com/bandeja/inboxd/daemon"

	"github.com/bandeja/inboxd/daemon/bench/internal/measure"
	"github.com/bandeja/inboxd/daemon/bench/internal/report"
	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	do := run
	if len(os.Args) > 1 && os.Args[1] == measure.VictimCommand {
		quiet()
		do = func(ctx context.Context, args []string) error { return measure.Victim(ctx, os.Stdout, args[1:]) }
	}
	if err := do(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	quick  bool
	only   string
	out    string
	cache  string
	root   string
	commit string
	rounds int
	jobs   int

	profile string
	peers   string
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "small sizes: under four minutes")
	f.StringVar(&o.only, "only", "", "only the measurements whose name matches this regular expression")
	f.StringVar(&o.out, "out", "out", "directory for benchmarks.json and benchmarks.md")
	f.StringVar(&o.cache, "cache", ".cache", "directory for what has to be installed")
	f.StringVar(&o.root, "root", "..", "root of the tree")
	f.StringVar(&o.commit, "commit", "unknown", "what is measured")
	f.IntVar(&o.rounds, "rounds", 0, "how often everything is measured; 0: as the plan says")
	f.IntVar(&o.jobs, "jobs", 0, "jobs per contender and round; 0: as the plan says")
	f.StringVar(&o.profile, "profile", "", "directory for CPU profiles and the statements of PostgreSQL, per contender")
	f.StringVar(&o.peers, "peers", "", "only the contenders whose name matches this regular expression")
	return o, f.Parse(args)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	peers, err := regexp.Compile(o.peers)
	if err != nil {
		return fmt.Errorf("-peers: %w", err)
	}
	began := time.Now()
	for _, dir := range []string{o.out, o.cache} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	quiet()
	r, err := rig.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = r.Stop(context.WithoutCancel(ctx)) }()
	rep, err := o.report(ctx, r)
	if err != nil {
		return err
	}
	b := &measure.Bench{Plan: o.plan(), Rig: r, Root: o.root, Cache: o.cache, Log: os.Stderr, Profile: o.profile, Peers: peers}
	rep.Rounds = b.Plan.Rounds
	var failed error
	for _, m := range measure.All() {
		if !only.MatchString(m.Name) {
			continue
		}
		tables, err := m.Run(ctx, b)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("measure %s: %w", m.Name, err))
			continue // the others took their time and are worth keeping
		}
		rep.Tables = append(rep.Tables, tables...)
	}
	rep.Targets = measure.Targets(rep.Tables)
	rep.Machine.LoadAfter = report.Load()
	rep.Took(time.Since(began))
	return errors.Join(failed, write(o.out, rep))
}

func (o options) plan() measure.Plan {
	p := measure.Full()
	if o.quick {
		p = measure.Quick()
	}
	if o.rounds > 0 {
		p.Rounds = o.rounds
	}
	if o.jobs > 0 {
		p.Jobs = o.jobs
	}
	return p
}

func (o options) report(ctx context.Context, r *rig.Rig) (*report.Report, error) {
	rep := &report.Report{At: time.Now().UTC().Format(time.DateOnly), Quick: o.quick, Machine: report.ThisMachine(o.out)}
	rep.Machine.Commit = o.commit
	var err error
	rep.Machine.Postgres, rep.Machine.Redis, err = r.Versions(ctx)
	return rep, err
}

// quiet keeps the Redis client from writing to standard error when its server
// goes away between two measurements.
func quiet() {
	_, _ = daemon.NewLogger(discard{}, daemon.Config{LogFormat: "json", LogLevel: slog.LevelError})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func write(dir string, rep *report.Report) error {
	for name, to := range map[string]func(*os.File) error{
		"benchmarks.json": func(f *os.File) error { return rep.JSON(f) },
		"benchmarks.md":   func(f *os.File) error { return rep.Page(f) },
	} {
		f, err := os.Create(filepath.Join(dir, name)) //nolint:gosec // Whoever runs it says where.
		if err != nil {
			return err
		}
		if err := to(f); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
