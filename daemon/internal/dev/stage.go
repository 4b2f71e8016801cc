package dev

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// stopTimeout bounds the stop of each part.
const stopTimeout = 30 * time.Second

// stage is everything that runs during a play.
type stage struct {
	options  Options
	settings settings
	secrets  secrets
	stack    *devstack.Stack
	sim      *metasim.Sim
	fleet    *fleet
	admin    *admin.Client
	orgs     []*org
	api      *api
	journal  *journal
	board    noticeboard
	records  Records

	databaseURL, redisURL, apiURL, socket string
	closers                               []func(ctx context.Context) error
}

// build starts everything; what it has started, strike stops, also after an
// error.
func (s *stage) build(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.startServers, s.chooseAddresses, s.startSimulator, s.openRecords, s.startFleet, s.fill, s.announce,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// later adds what strike is to do, the last first.
func (s *stage) later(do func(ctx context.Context) error) { s.closers = append(s.closers, do) }

// strike stops everything in the reverse order of its start.
func (s *stage) strike(ctx context.Context) error {
	var errs []error
	for _, do := range slices.Backward(s.closers) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		errs = append(errs, do(bounded))
		cancel()
	}
	s.closers = nil
	return errors.Join(errs...)
}

// startServers starts the servers the user has not named, and migrates.
func (s *stage) startServers(ctx context.Context) error {
	database, hasDatabase, err := s.settings.given(envDatabaseURL)
	if err != nil {
		return err
	}
	hasDatabase = hasDatabase && database != ""
	redis, hasRedis, err := s.settings.given(envRedisURL)
	if err != nil {
		return err
	}
	s.stack, err = devstack.Start(ctx, devstack.Options{
		Dir: s.options.Data, NoPostgres: hasDatabase, Redis: !hasRedis, Durable: true, Logger: s.options.Logger,
	})
	if err != nil {
		return err
	}
	s.later(s.stack.Stop)
	if !hasDatabase {
		database = s.stack.DatabaseURL
		s.settings[envDatabaseURL] = database
	}
	if !hasRedis {
		redis = s.stack.RedisURL
		s.settings[envRedisURL] = redis
	}
	s.databaseURL, s.redisURL = database, redis
	if s.secrets, err = keepSecrets(s.stack.Dir); err != nil {
		return err
	}
	if err := s.options.Migrate(ctx, database); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func (s *stage) startSimulator(ctx context.Context) error {
	var err error
	s.sim, err = metasim.New(metasim.Options{
		WebhookURL: s.webhookURL(), AppSecret: s.appSecret(), Settings: metasim.Usual(), Seed: s.options.Seed,
	})
	if err != nil {
		return err
	}
	s.orgs = newCast(s.secrets.ChannelToken)
	if err := register(s.sim, s.orgs); err != nil {
		return err
	}
	if err := s.sim.Start(ctx); err != nil {
		return err
	}
	s.later(s.sim.Stop)
	for _, name := range []string{envGraphURL, envInstagramURL} {
		if _, err := s.settings.or(name, s.sim.URL()); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) openRecords(ctx context.Context) error {
	records, closeRecords, err := s.options.OpenRecords(ctx, s.databaseURL)
	if err != nil {
		return fmt.Errorf("open records: %w", err)
	}
	s.records = records
	s.later(func(context.Context) error { closeRecords(); return nil })
	return nil
}

func (s *stage) startFleet(ctx context.Context) error {
	places, err := posts(ctx, s.settings)
	if err != nil {
		return err
	}
	s.fleet = launch(ctx, s.options, s.settings, s.stack.Dir, places, func() {
		if err := s.board.refresh(); err != nil {
			s.options.Logger.WarnContext(ctx, "dev.json cannot be written", "error", err)
		}
	})
	s.later(func(context.Context) error { s.fleet.stop(); return nil })
	if err := s.fleet.ready(ctx); err != nil {
		return err
	}
	s.admin, err = admin.NewClient(admin.Options{Server: "unix://" + s.socket, Version: s.options.Version})
	if err != nil {
		return err
	}
	s.later(func(context.Context) error { s.admin.Close(); return nil })
	return nil
}

// fill makes the orgs and their customers known, and reads the inboxes as
// agents do when they begin their day.
func (s *stage) fill(ctx context.Context) error {
	s.journal = newJournal(s.options.reports())
	s.api = newAPI(s.apiURL, atWork, s.journal)
	s.later(func(context.Context) error { s.api.http.CloseIdleConnections(); return nil })
	if err := seed(ctx, s.admin, s.orgs); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return awaitBeats(ctx, s.admin, len(s.fleet.workers())) })
	group.Go(func() error {
		if err := greet(ctx, s.api.http, s.webhookURL(), s.appSecret(), s.orgs); err != nil {
			return err
		}
		for _, o := range s.orgs {
			if err := s.api.readInbox(ctx, o); err != nil {
				return fmt.Errorf("read inbox of %s: %w", o.name, err)
			}
		}
		return nil
	})
	return group.Wait()
}

func (s *stage) webhookURL() string { return s.apiURL + "/webhooks/meta" }

// appSecret is the one the simulator signs with: the first of the list.
func (s *stage) appSecret() string { return firstOf(s.secrets.AppSecret) }
