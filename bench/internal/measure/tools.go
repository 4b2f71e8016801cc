package measure

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/store"

	"github.com/bandeja/inboxd/daemon/bench/internal/gauge"
	"github.com/bandeja/inboxd/daemon/bench/internal/instance"
	"github.com/bandeja/inboxd/daemon/bench/internal/report"
)

const frameRow = "`inboxctl top`: a frame of the slowest view"

// Tools measures inboxctl as a whole process, and what top draws.
func Tools(ctx context.Context, b *Bench) ([]*report.Table, error) {
	t := &report.Table{
		Name: "tools", Title: "The command line and `top`",
		Intro:   "inboxctl from its start to its end, against a server with nothing in it, and how long a frame of 200 by 60 takes to draw.",
		Columns: []report.Column{{Key: "p50", Title: "P50 ms", Digits: 2}, {Key: "worst", Title: "worst ms", Digits: 2}},
	}
	s, err := b.Rig.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	if err := store.Migrate(ctx, s.DatabaseURL); err != nil {
		return nil, err
	}
	api, err := instance.Start(ctx, s, instance.Options{Mode: "api"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = api.Stop() }()
	bin, err := filepath.Abs(filepath.Join(b.Cache, "inboxctl"))
	if err != nil {
		return nil, err
	}
	if out, err := b.run(ctx, "go", "build", "-o", bin, "./cmd/inboxctl"); err != nil {
		return nil, fmt.Errorf("build inboxctl: %w: %s", err, out)
	}
	for row, args := range map[string][]string{
		"`inboxctl version`": {"version"}, "`inboxctl status`": {"status"}, "`inboxctl jobs list -o json`": {"jobs", "list", "-o", "json"},
	} {
		var all []time.Duration
		for range questions {
			began := time.Now()
			if out, err := b.run(ctx, bin, append(args, "--server", api.Socket())...); err != nil {
				return nil, fmt.Errorf("%s: %w: %s", row, err, out)
			}
			all = append(all, time.Since(began))
		}
		t.Add(row, "p50", gauge.At(all, 0.5))
		t.Add(row, "worst", gauge.At(all, 1))
	}
	return []*report.Table{t}, b.frames(ctx, t)
}

// run runs a program in the root of the tree.
func (b *Bench) run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // Our own list of programs.
	cmd.Dir = b.Root
	cmd.Env = append(os.Environ(), "INBOXCTL_CONFIG="+filepath.Join(os.TempDir(), "no-such-context"))
	return cmd.CombinedOutput()
}

// frames runs the benchmark of package tui, whose inside is its own.
func (b *Bench) frames(ctx context.Context, t *report.Table) error {
	out, err := b.run(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkFrame$", "-benchtime", "300x", "./tui")
	if err != nil {
		return fmt.Errorf("frames: %w: %s", err, out)
	}
	var all []time.Duration
	for _, m := range regexp.MustCompile(`(?m)^BenchmarkFrame/\S+\s+\d+\s+(\d+) ns/op`).FindAllSubmatch(out, -1) {
		ns, err := strconv.ParseInt(string(m[1]), 10, 64)
		if err != nil {
			return err
		}
		all = append(all, time.Duration(ns))
	}
	t.Add(frameRow, "p50", gauge.At(all, 1))
	return nil
}
