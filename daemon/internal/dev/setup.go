package dev

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// setup starts everything; what it has started, teardown stops, also after an
// error.
func (r *run) setup(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		r.startServers, r.chooseAddresses, r.startSimulator, r.openRecords, r.startChildren, r.seed, r.announce,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startServers starts the servers the user has not named, and migrates.
func (r *run) startServers(ctx context.Context) error {
	database, hasDatabase, err := r.settings.given(envDatabaseURL)
	if err != nil {
		return err
	}
	hasDatabase = hasDatabase && database != ""
	redis, hasRedis, err := r.settings.given(envRedisURL)
	if err != nil {
		return err
	}
	r.stack, err = devstack.Start(ctx, devstack.Options{
		Dir: r.options.Data, NoPostgres: hasDatabase, Redis: !hasRedis, Durable: true, Logger: r.options.Logger,
	})
	if err != nil {
		return err
	}
	r.onTeardown(r.stack.Stop)
	if !hasDatabase {
		database = r.stack.DatabaseURL
		r.settings[envDatabaseURL] = database
	}
	if !hasRedis {
		redis = r.stack.RedisURL
		r.settings[envRedisURL] = redis
	}
	r.databaseURL, r.redisURL = database, redis
	if r.secrets, err = keepSecrets(r.stack.Dir); err != nil {
		return err
	}
	if err := r.options.Migrate(ctx, database); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func (r *run) startSimulator(ctx context.Context) error {
	var err error
	r.sim, err = metasim.New(metasim.Options{
		WebhookURL: r.webhookURL(), AppSecret: r.appSecret(), Settings: metasim.Usual(), Seed: r.options.Seed,
	})
	if err != nil {
		return err
	}
	r.orgs = newOrgs(r.secrets.ChannelToken)
	if err := register(r.sim, r.orgs); err != nil {
		return err
	}
	if err := r.sim.Start(ctx); err != nil {
		return err
	}
	r.onTeardown(r.sim.Stop)
	for _, name := range []string{envGraphURL, envInstagramURL} {
		if _, err := r.settings.or(name, r.sim.URL()); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) openRecords(ctx context.Context) error {
	records, closeRecords, err := r.options.OpenRecords(ctx, r.databaseURL)
	if err != nil {
		return fmt.Errorf("open records: %w", err)
	}
	r.records = records
	r.onTeardown(func(context.Context) error { closeRecords(); return nil })
	return nil
}

func (r *run) startChildren(ctx context.Context) error {
	r.children = launch(ctx, r.options, r.settings, r.stack.Dir, r.roles, func() {
		if err := r.manifest.refresh(); err != nil {
			r.options.Logger.WarnContext(ctx, "dev.json cannot be written", "error", err)
		}
	})
	r.onTeardown(func(context.Context) error { r.children.stop(); return nil })
	if err := r.children.ready(ctx); err != nil {
		return err
	}
	var err error
	r.admin, err = admin.NewClient(admin.Options{Server: "unix://" + r.socket, Version: r.options.Version})
	if err != nil {
		return err
	}
	r.onTeardown(func(context.Context) error { r.admin.Close(); return nil })
	return nil
}

// seed makes the orgs and their customers known, and reads the inboxes as
// agents do when they begin their day.
func (r *run) seed(ctx context.Context) error {
	r.journal = newJournal(r.options.reports())
	r.api = newAPI(r.apiURL, maxAgents, r.journal)
	r.onTeardown(func(context.Context) error { r.api.http.CloseIdleConnections(); return nil })
	if err := addOrgs(ctx, r.admin, r.orgs); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return awaitWorkers(ctx, r.admin, len(r.children.workers())) })
	group.Go(func() error {
		if err := greet(ctx, r.sim, r.orgs); err != nil {
			return err
		}
		for _, o := range r.orgs {
			if err := r.api.readInbox(ctx, o); err != nil {
				return fmt.Errorf("read inbox of %s: %w", o.name, err)
			}
		}
		return nil
	})
	return group.Wait()
}

func (r *run) webhookURL() string { return r.apiURL + "/webhooks/meta" }

// appSecret is the one the simulator signs with: the first of the list.
func (r *run) appSecret() string { return firstOf(r.secrets.AppSecret) }
