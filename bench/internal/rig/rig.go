// Package rig starts the throw-away servers that everything is measured on, and
// gives each measurement an empty database and an empty Redis. It owns the
// servers' settings, which are the same for every contender; it refuses to know
// what runs on them.
package rig

import (
	"context"
	"fmt"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// Settings are those of PostgreSQL beside devstack's: what its manual advises for
// a server of this size, and the counters. Commits are durable.
func Settings() map[string]string {
	return map[string]string{
		"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": "1000", "track_io_timing": "off",
		"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min",
	}
}

// Rig is a pair of running servers.
type Rig struct {
	stack *devstack.Stack
	admin *pgx.Conn
	made  int
}

// Servers is what one measurement gets: an empty database and an empty Redis.
type Servers struct {
	DatabaseURL string
	RedisURL    string
	Redis       *redis.Options
	DB          *pgx.Conn // to look at the database from outside
	Database    string
	PIDs        map[string]int
}

// Start starts the servers; Stop them when done.
func Start(ctx context.Context) (*Rig, error) {
	stack, err := devstack.Start(ctx, devstack.Options{Redis: true, Durable: true, Settings: Settings()})
	if err != nil {
		return nil, err
	}
	r := &Rig{stack: stack}
	if r.admin, err = pgx.Connect(ctx, strings.Replace(stack.DatabaseURL, "/inboxd?", "/postgres?", 1)); err != nil {
		return nil, fmt.Errorf("connect to the throw-away server: %w", err)
	}
	_, err = r.admin.Exec(ctx, `CREATE EXTENSION pg_stat_statements`)
	return r, err
}

// Stop ends the servers and removes their data.
func (r *Rig) Stop(ctx context.Context) error {
	_ = r.admin.Close(ctx)
	return r.stack.Stop(ctx)
}

// Fresh makes an empty database, drops the one before, and empties Redis. What
// the last measurement left to write is written before, so that it does not count
// for the next.
func (r *Rig) Fresh(ctx context.Context) (*Servers, error) {
	r.made++
	name := fmt.Sprintf("bench%d", r.made)
	for _, sql := range []string{
		fmt.Sprintf("DROP DATABASE IF EXISTS bench%d WITH (FORCE)", r.made-1), "CREATE DATABASE " + name, "CHECKPOINT",
		"SELECT pg_stat_statements_reset()",
	} {
		if _, err := r.admin.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
	}
	options, err := redis.ParseURL(r.stack.RedisURL)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	if err := client.FlushAll(ctx).Err(); err != nil {
		return nil, fmt.Errorf("empty redis: %w", err)
	}
	s := &Servers{
		DatabaseURL: strings.Replace(r.stack.DatabaseURL, "/inboxd?", "/"+name+"?", 1), RedisURL: r.stack.RedisURL,
		Redis: options, Database: name, PIDs: r.stack.PIDs(),
	}
	if s.DB, err = pgx.Connect(ctx, s.DatabaseURL); err != nil {
		return nil, err
	}
	_, err = s.DB.Exec(ctx, `CREATE EXTENSION pg_stat_statements`)
	return s, err
}

// Known is what another process of this program has started.
func Known(ctx context.Context, databaseURL, redisURL string) (*Servers, error) {
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		return nil, err
	}
	s := &Servers{DatabaseURL: databaseURL, RedisURL: redisURL, Redis: options}
	s.DB, err = pgx.Connect(ctx, databaseURL)
	return s, err
}

// Close gives the servers back.
func (s *Servers) Close(ctx context.Context) { _ = s.DB.Close(ctx) }

// Versions names the servers.
func (r *Rig) Versions(ctx context.Context) (postgres, redisVersion string, err error) {
	if err = r.admin.QueryRow(ctx, "SHOW server_version").Scan(&postgres); err != nil {
		return "", "", err
	}
	options, err := redis.ParseURL(r.stack.RedisURL)
	if err != nil {
		return "", "", err
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	info, err := client.Info(ctx, "server").Result()
	_, rest, _ := strings.Cut(info, "redis_version:")
	redisVersion, _, _ = strings.Cut(rest, "\r\n")
	return postgres, redisVersion, err
}
