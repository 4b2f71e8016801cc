// Package dev is development mode: it runs everything on one machine (servers,
// the simulated Meta, one api and two workers as child processes, demo orgs),
// lets simulated customers and agents work over the real HTTP interfaces, and
// reports what became of every message, from the simulator's own record. It
// owns the run from setup to teardown; it refuses to reach into the daemon:
// what it knows, it asks over HTTP, or of Records at the very end.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"
)

// Options say what to run. Argv, Migrate and OpenRecords are required.
type Options struct {
	// Argv is the daemon's command; the mode and all settings come to it by
	// environment.
	Argv []string
	// Environ is the caller's environment ("NAME=value"); settings in it win
	// over what development mode would choose. Nil: os.Environ.
	Environ []string
	// Migrate brings a database to the newest schema.
	Migrate func(ctx context.Context, dsn string) error
	// OpenRecords opens the reader for the report.
	OpenRecords func(ctx context.Context, dsn string) (Records, func(), error)

	Data         string        // data directory; empty: a fresh one, removed at the end
	Manifest     string        // where dev.json goes; empty: into the data directory
	Rate         float64       // inbound messages per second in total; 0: no traffic
	For          time.Duration // of traffic; 0: until ctx ends
	Report       string        // file for the report; it goes to Stdout too
	Seed         uint64        // of the traffic; 0: a random one, printed
	KillWorkers  int           // how often a worker is killed with -9, spread over For
	RestartRedis bool          // kill and start Redis once, in the middle of For
	NoContext    bool          // leave the operator's context file alone
	Version      string        // sent to the admin API

	// Front is a program to run in the terminal meanwhile, such as inboxctl top;
	// its end ends the run. It finds the server by INBOXCTL_SERVER.
	Front []string

	Stdin          *os.File     // of Front
	Stdout, Stderr io.Writer    // Stdout: the report, and Front; Stderr: all else
	Logger         *slog.Logger // nil: warnings to Stderr
}

// Check returns all that is wrong with what the caller has asked for.
func (o Options) Check() error {
	var faults []error
	if o.Rate < 0 || o.Rate > 10_000 {
		faults = append(faults, fmt.Errorf("rate %v must be from 0 to 10000 messages per second", o.Rate))
	}
	if o.For < 0 {
		faults = append(faults, fmt.Errorf("for %s must not be negative", o.For))
	}
	if o.KillWorkers < 0 {
		faults = append(faults, fmt.Errorf("kill-workers %d must not be negative", o.KillWorkers))
	}
	if o.For == 0 && (o.KillWorkers > 0 || o.RestartRedis) {
		faults = append(faults, errors.New("kill-workers and restart-redis need --for: they are spread over that time"))
	}
	return errors.Join(faults...)
}

// reports says whether the run ends with a report.
func (o Options) reports() bool { return o.For > 0 || o.Report != "" }

func (o Options) withDefaults() Options {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64() //nolint:gosec // Not a secret: it makes a run repeatable.
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	switch {
	case len(o.Front) > 0: // it has the terminal
		o.Logger = slog.New(slog.DiscardHandler)
	case o.Logger == nil:
		o.Logger = slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return o
}
