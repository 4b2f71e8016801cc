package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

const (
	schemaRetry    = time.Second
	presenceEvery  = 2 * time.Second
	partitionEvery = time.Hour
	pruneEvery     = 10 * time.Minute
)

// awaitSchema waits until the database answers. A schema that lacks a step is
// an error: an operator must run the migration. One that a newer version has
// migrated is worked with, as in the middle of every upgrade.
func (d *Daemon) awaitSchema(ctx context.Context) error {
	for first := true; ; first = false {
		missing, newer, err := d.missingSteps(ctx)
		switch {
		case err == nil && missing == "":
			if newer != "" {
				d.log.WarnContext(ctx, "the schema is that of a newer inboxd: it works beside this version, not beside older ones; finish the upgrade", "step", newer)
			}
			return nil
		case err == nil:
			return fmt.Errorf("the database lacks the migration %s: run `inboxd migrate up`", missing)
		case ctx.Err() != nil:
			return ctx.Err()
		case first:
			d.log.WarnContext(ctx, "waiting for the database", "error", err)
		}
		select {
		case <-time.After(schemaRetry):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// missingSteps returns the first step that the schema lacks, and the last one
// that only a newer version knows.
func (d *Daemon) missingSteps(ctx context.Context) (missing, newer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	steps, err := store.MigrationStatus(ctx, d.o.Config.DatabaseURL.Reveal())
	if err != nil {
		return "", "", err
	}
	for _, s := range steps {
		switch {
		case s.AppliedAt.IsZero():
			missing = cmp.Or(missing, s.Name)
		case s.Newer:
			newer = s.Name
		}
	}
	return missing, newer, nil
}

// adoptRestored takes in what a dump brought from another server, before the log
// is followed. Where it cannot, only live figures are wrong, for two days.
func (d *Daemon) adoptRestored(ctx context.Context) {
	if !d.o.Config.Mode.ServesAPI() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	rows, err := d.ledger.AdoptRestored(ctx)
	switch err = errors.Join(err, d.store.AdoptRestored(ctx)); {
	case err != nil:
		d.log.ErrorContext(ctx, "this database may be restored from a dump: live figures may count the jobs of its last two days again; the next start goes on with what is left", "count", rows, "error", err)
	case rows > 0:
		d.log.InfoContext(ctx, "this database was restored from a dump: its history goes on here", "count", rows)
	}
}

// checkTokens says at the start what would otherwise be found out at the first
// send: that a secret key is missing.
func (d *Daemon) checkTokens(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	const some = 10
	switch channels, err := d.store.UnreadableTokens(ctx, some); {
	case err != nil:
		d.log.WarnContext(ctx, "channel tokens not checked", "error", err)
	case len(channels) > 0:
		d.log.ErrorContext(ctx, "no secret key opens the tokens of some channels: their sends cannot work; give the old key too (INBOXD_SECRET_KEY takes several)",
			"channels", channels)
	}
}

// keepHouse lets the slow periodic work go: any process may do it at any time.
func (d *Daemon) keepHouse(ctx context.Context) {
	d.checkTokens(ctx)
	if err := d.ledger.Partitions(ctx, time.Now()); err != nil {
		d.log.WarnContext(ctx, "partitions not made; rows go to the default one", "error", err)
	}
	d.loop(ctx, "announcer", d.ledger.Announce)
	d.loop(ctx, "partitions", func(ctx context.Context) {
		d.every(ctx, partitionEvery, "partitions", func(ctx context.Context) error {
			return errors.Join(d.ledger.Partitions(ctx, time.Now()), d.ledger.DropOldPartitions(ctx, time.Now(), int(d.historyDays.Load())))
		})
	})
	d.loop(ctx, "pruning", func(ctx context.Context) { d.every(ctx, pruneEvery, "prune", d.store.Prune) })
}

// register adds this process to the list operators see, as soon as the
// database takes it.
func (d *Daemon) register(ctx context.Context, slots int) (int64, error) {
	p := ledger.Process{
		Host: d.o.Host, PID: d.o.PID, Mode: string(d.o.Config.Mode), Version: d.o.Build.Version, Slots: slots, Background: job.BackgroundSlots(slots),
		MetricsURL: d.doors.metrics.url() + "/metrics", APIURL: d.doors.public.url(),
	}
	for {
		id, err := d.ledger.Register(ctx, p)
		if err == nil || ctx.Err() != nil {
			d.processID.Store(id)
			return id, err
		}
		d.log.WarnContext(ctx, "waiting for the database", "error", err)
		select {
		case <-time.After(schemaRetry):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// attend keeps an api in the list of processes. It runs no jobs, so being
// declared dead costs it nothing but a new line in the list.
func (d *Daemon) attend(ctx context.Context) error {
	id, err := d.register(ctx, 0)
	if err != nil {
		return err
	}
	d.stops.push("registration", 0, func(ctx context.Context) error { return d.ledger.Deregister(ctx, id) })
	d.loop(ctx, "presence", func(ctx context.Context) {
		d.every(ctx, presenceEvery, "presence", func(ctx context.Context) error {
			err := d.ledger.Beat(ctx, id)
			if errors.Is(err, ledger.ErrDeclaredDead) {
				id, err = d.register(ctx, 0)
			}
			return err
		})
	})
	return d.watchControl(ctx)
}
