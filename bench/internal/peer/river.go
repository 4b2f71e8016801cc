package peer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// River is riverqueue/river on PostgreSQL, as its own benchmark sets it up.
type River struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

const (
	riverWorkers  = 2000
	riverCooldown = 2 * time.Millisecond
	riverPoll     = 20 * time.Millisecond
	feedBatch     = 1000
)

// Facts implements Peer.
func (r *River) Facts() Facts {
	return Facts{
		Name: "River tuned", Version: moduleVersion("github.com/riverqueue/river"),
		Settings: fmt.Sprintf("as its own benchmark: %d workers, fetch cooldown %s, poll %s; InsertManyFast (COPY) by %d", riverWorkers, riverCooldown, riverPoll, feedBatch),
		Crash:    "durable in PostgreSQL, completions up to 50 ms after the slot is free. Worker lost: its jobs run again after an hour (default).",
	}
}

// RiverArgs are what a job of River carries.
type RiverArgs struct {
	payload
}

// Kind implements river.JobArgs.
func (RiverArgs) Kind() string { return "noop" }

type riverWorker struct {
	river.WorkerDefaults[RiverArgs]
	tally *Tally
}

// Work implements river.Worker.
func (w *riverWorker) Work(_ context.Context, j *river.Job[RiverArgs]) error {
	w.tally.Ran(j.Args.At)
	return nil
}

// Start implements Peer.
func (r *River) Start(ctx context.Context, s *rig.Servers, t *Tally) error {
	config, err := pgxpool.ParseConfig(s.DatabaseURL)
	if err != nil {
		return err
	}
	config.MaxConns = 20
	if r.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(r.pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("river's schema: %w", err)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{tally: t})
	r.client, err = river.NewClient(riverpgxv5.New(r.pool), &river.Config{
		Workers: workers, Logger: slog.New(slog.DiscardHandler), FetchCooldown: riverCooldown, FetchPollInterval: riverPoll,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}},
	})
	if err != nil {
		return err
	}
	return r.client.Start(ctx)
}

// Feed implements Peer.
func (r *River) Feed(ctx context.Context, n int) error {
	for n > 0 {
		batch := make([]river.InsertManyParams, min(n, feedBatch))
		for i := range batch {
			batch[i].Args = RiverArgs{}
		}
		if _, err := r.client.InsertManyFast(ctx, batch); err != nil {
			return err
		}
		n -= len(batch)
	}
	return nil
}

// Send implements Peer.
func (r *River) Send(ctx context.Context, at time.Time) error {
	_, err := r.client.Insert(ctx, RiverArgs{payload{at.UnixNano()}}, nil)
	return err
}

// Settled implements Peer.
func (r *River) Settled(ctx context.Context) (done bool, err error) {
	err = r.pool.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM river_job WHERE state IN ('available', 'running'))`).Scan(&done)
	return done, err
}

// PIDs implements Peer.
func (r *River) PIDs() []int { return nil }

// Stop implements Peer.
func (r *River) Stop(ctx context.Context) error {
	err := r.client.Stop(ctx)
	r.pool.Close()
	return err
}
