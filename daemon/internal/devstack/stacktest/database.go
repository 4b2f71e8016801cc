package stacktest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// template is a migrated database that tests get copies of.
type template struct {
	name string
	err  error
}

// Database returns the URL of a fresh database, migrated by migrate (nil: an
// empty one), which is dropped at the test's end. migrate runs once per process
// and function, on a template that is then copied: it may not depend on
// variables it closes over.
func Database(tb testing.TB, migrate func(ctx context.Context, dsn string) error) string {
	tb.Helper()
	s := shared.get(tb)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience)
	defer cancel()
	name, err := s.copyTemplate(ctx, migrate)
	if err != nil {
		tb.Fatalf("create test database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.exec(ctx, drop(name)); err != nil {
			tb.Errorf("drop test database: %v", err)
		}
	})
	return inDatabase(s.databaseURL, name)
}

func (s *servers) copyTemplate(ctx context.Context, migrate func(context.Context, string) error) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "test_" + strings.ToLower(rand.Text()[:12])
	if migrate == nil {
		return name, s.exec(ctx, "CREATE DATABASE "+name)
	}
	key := reflect.ValueOf(migrate).Pointer()
	t, ok := s.templates[key]
	if !ok {
		t.name = name + "_template"
		t.err = s.makeTemplate(ctx, t.name, migrate)
		if s.templates == nil {
			s.templates = map[uintptr]template{}
		}
		s.templates[key] = t
	}
	if t.err != nil {
		return "", t.err
	}
	return name, s.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+t.name)
}

// makeTemplate migrates a new database and then shuts it against connections:
// PostgreSQL copies no database that somebody is connected to.
func (s *servers) makeTemplate(ctx context.Context, name string, migrate func(context.Context, string) error) error {
	if err := s.exec(ctx, "CREATE DATABASE "+name); err != nil {
		return err
	}
	if err := migrate(ctx, inDatabase(s.databaseURL, name)); err != nil {
		return fmt.Errorf("migrate template: %w", err)
	}
	return s.exec(ctx, "ALTER DATABASE "+name+" WITH ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+name+"'")
}

func (s *servers) dropTemplates(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stack != nil {
		return nil // they go with the server
	}
	var errs []error
	for _, t := range s.templates {
		errs = append(errs, s.exec(ctx, drop(t.name)))
	}
	return errors.Join(errs...)
}

// drop cuts whoever is still connected. Names are ours: they need no quotes.
func drop(name string) string { return "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)" }

func (s *servers) exec(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, s.databaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// inDatabase returns the server's URL with another database.
func inDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // pgx has parsed it before us
	}
	u.Path = "/" + name
	return u.String()
}
