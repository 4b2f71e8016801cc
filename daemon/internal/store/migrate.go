package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migration is one step of the schema. AppliedAt is zero while it is pending.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time
	Newer     bool // applied by a newer inboxd: this one knows its number alone
}

// Migrate brings the schema up to date. Several processes may call it at once:
// a lock of the server lets one work and the others find it done.
func Migrate(ctx context.Context, dsn string) error {
	return withProvider(dsn, func(p *goose.Provider) error {
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate up: %w", err)
		}
		return nil
	})
}

// MigrateDown takes back the latest applied step, with its data. With none
// applied it does nothing.
func MigrateDown(ctx context.Context, dsn string) error {
	return withProvider(dsn, func(p *goose.Provider) error {
		if current, target, err := p.GetVersions(ctx); err == nil && current > target {
			return fmt.Errorf("migrate down: the newest step, %05d, is of a newer inboxd: take it back with that one", current)
		}
		if _, err := p.Down(ctx); err != nil && !errors.Is(err, goose.ErrNoNextVersion) {
			return fmt.Errorf("migrate down: %w", err)
		}
		return nil
	})
}

// MigrationStatus lists every known step, and those that a newer inboxd has
// applied, oldest first.
func MigrationStatus(ctx context.Context, dsn string) ([]Migration, error) {
	var steps []Migration
	err := withProvider(dsn, func(p *goose.Provider) error {
		status, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("migration status: %w", err)
		}
		for _, s := range status {
			steps = append(steps, Migration{Version: s.Source.Version, Name: s.Source.Path, AppliedAt: s.AppliedAt})
		}
		current, known, err := p.GetVersions(ctx)
		if err != nil {
			return fmt.Errorf("migration status: %w", err)
		}
		for v := known + 1; v <= current; v++ {
			steps = append(steps, Migration{Version: v, Name: fmt.Sprintf("%05d, of a newer inboxd", v), AppliedAt: time.Now(), Newer: true})
		}
		return nil
	})
	return steps, err
}

// withProvider asks for the lock every second for five minutes: goose's own
// default is every five seconds.
func withProvider(dsn string, use func(*goose.Provider) error) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("database url: %w", err)
	}
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["application_name"] = "inboxd migrate"
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 60))
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("embedded migrations: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, steps, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return use(provider)
}
