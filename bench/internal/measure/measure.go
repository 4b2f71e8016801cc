// Package measure has one file per measurement: each sets up what it needs, does
// it by turns with its contenders in every round, and fills one table. It owns
// sizes and order; the contenders are peer's, the counters gauge's.
package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/bandeja/inboxd/daemon/bench/internal/report"
	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// Plan is how much of everything is done.
type Plan struct {
	Rounds  int
	Jobs    int           // per contender and round
	Latency time.Duration // of sending at a steady pace, per contender and round
	Idle    time.Duration // of watching a contender without work

	History []int // rows of finished jobs
	Orgs    []int
	Checks  int           // of limits, per contender, number of keys and round
	API     time.Duration // of calling, per kind of call, pace and round
	Dead    int           // jobs that an operator looks at

	Patience time.Duration // with a contender that recovers
}

// Full fits into a quarter of an hour.
func Full() Plan {
	return Plan{
		Rounds: 3, Jobs: 100_000, Latency: 4 * time.Second, Idle: 3 * time.Second,
		History: []int{1_000, 1_000_000}, Orgs: []int{10, 10_000}, Checks: 50_000, API: 3 * time.Second, Dead: 1_000_000, Patience: 3 * time.Minute,
	}
}

// Quick fits into four minutes.
func Quick() Plan {
	return Plan{
		Rounds: 1, Jobs: 20_000, Latency: 2 * time.Second, Idle: time.Second,
		History: []int{1_000, 200_000}, Orgs: []int{10, 2_000}, Checks: 20_000, API: 2 * time.Second, Dead: 50_000, Patience: 40 * time.Second,
	}
}

// Bench is what every measurement gets.
type Bench struct {
	Plan  Plan
	Rig   *rig.Rig
	Root  string // of the tree
	Cache string // a directory for what has to be installed
	Log   io.Writer

	Profile string         // a directory for profiles; empty: none are made
	Peers   *regexp.Regexp // only contenders with such a name
}

// Measurement fills one table.
type Measurement struct {
	Name string
	Run  func(ctx context.Context, b *Bench) ([]*report.Table, error)
}

// All lists the measurements in the order of the page.
func All() []Measurement {
	return []Measurement{
		{"jobs", EndToEnd}, {"growth", Growth}, {"limits", Limiter}, {"api", API}, {"operator", Operator}, {"recovery", Recovery}, {"tools", Tools},
	}
}

// say tells whoever waits what goes on.
func (b *Bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.Log, format+"\n", args...)
}

// limited bounds a part of a measurement: a contender that gets stuck must not
// hold up the run.
func limited(ctx context.Context, most time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := f(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("not within %s: %w", most, err)
	}
	return err
}
