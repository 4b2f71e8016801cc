// Package devstack runs real PostgreSQL and Redis processes for development
// and tests: on free ports of 127.0.0.1, in a data directory of their own, from
// whatever is installed on the machine, and stops them again by their process
// id. It owns the servers' lives; it refuses to know what is stored in them and
// never touches a server it did not start.
package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// startTimeout bounds the start of one server, initdb included.
const startTimeout = 60 * time.Second

// Options says what to start.
type Options struct {
	// Dir is the data directory. It is created if missing and used again if
	// present, and Redis then keeps its data. Empty: a fresh temporary
	// directory that Stop removes.
	Dir string
	// NoPostgres leaves PostgreSQL out: somebody else's is used.
	NoPostgres bool
	// Redis asks for Redis beside PostgreSQL: redis-server, or an in-process
	// imitation if the machine has none.
	Redis bool
	// Logger hears where the servers run; nil: nobody does.
	Logger *slog.Logger
	// Durable keeps fsync and synchronous_commit on. Tests leave it off.
	Durable bool
	// Settings are further settings of PostgreSQL; they win over our own.
	Settings map[string]string
	// Finder looks for the programs; the zero Finder searches this machine.
	Finder Finder
}

// Stack is a set of running servers. Its methods may be called from several
// goroutines at once.
type Stack struct {
	DatabaseURL string // of database "inboxd"; empty if PostgreSQL was left out
	RedisURL    string // of database 0; empty if Redis was not asked for
	Dir         string // holds the data and the servers' logs

	logger   *slog.Logger
	home     *home
	spawner  *Spawner
	mu       sync.Mutex // guards the life of the servers
	postgres *postgres
	redis    redisServer // nil: not asked for
	stopped  bool
}

// Start starts the servers and returns when they answer. The context bounds
// the start only; Stop ends the servers. A missing PostgreSQL is an error that
// names the command that installs it.
func Start(ctx context.Context, o Options) (*Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	o = o.withDefaults()
	runAs, err := serverUser()
	if err != nil {
		return nil, err
	}
	var bin string
	if !o.NoPostgres {
		if bin, err = o.Finder.postgres(); err != nil {
			return nil, err
		}
	}
	h, err := openHome(o.Dir, runAs)
	if err != nil {
		return nil, err
	}
	s := &Stack{Dir: h.dir, logger: o.Logger, home: h, spawner: NewSpawner()}
	if err := s.startAll(ctx, o, bin, runAs); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Finder.LookPath == nil {
		o.Finder = machineFinder()
	}
	return o
}

func (s *Stack) startAll(ctx context.Context, o Options, bin string, runAs *identity) error {
	var wait sync.WaitGroup
	var postgresErr, redisErr error
	if !o.NoPostgres {
		s.postgres = &postgres{
			bin: bin, dir: filepath.Join(s.Dir, "postgres"), logPath: filepath.Join(s.Dir, "postgres.log"),
			durable: o.Durable, more: o.Settings, runAs: runAs, spawner: s.spawner,
		}
		wait.Go(func() { postgresErr = s.postgres.open(ctx) })
	}
	if o.Redis {
		s.redis = newRedis(o.Finder, filepath.Join(s.Dir, "redis"), o.Dir != "", s.spawner)
		wait.Go(func() { redisErr = s.redis.start(ctx) })
	}
	wait.Wait()
	if err := errors.Join(postgresErr, redisErr); err != nil {
		return err
	}
	if s.postgres != nil {
		s.DatabaseURL = s.postgres.url("inboxd")
		s.logger.InfoContext(ctx, "postgresql runs", "port", s.postgres.port, "dir", s.postgres.dir)
	}
	if s.redis != nil {
		s.RedisURL = fmt.Sprintf("redis://127.0.0.1:%d/0", s.redis.where())
		s.logger.InfoContext(ctx, "redis runs", "port", s.redis.where(), "kind", s.redis.kind())
	}
	return nil
}

// Stop ends the servers, orderly first, then by force, and removes a temporary
// directory. It may be called again. The context bounds the orderly part.
func (s *Stack) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	var errs []error
	if s.redis != nil {
		errs = append(errs, s.redis.stop(ctx))
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.stop(ctx))
	}
	s.spawner.Close()
	return errors.Join(append(errs, s.home.close())...)
}

// KeepLogs lets Stop leave the logs in a temporary directory, for whoever must
// find out what went wrong. It returns where.
func (s *Stack) KeepLogs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.home.logs = true
	return s.Dir
}

// PIDs returns the process ids of the running servers by name ("postgres",
// "redis"). A server that is down, or lives inside this process, is missing.
func (s *Stack) PIDs() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := map[string]int{}
	if s.postgres != nil && s.postgres.process.Alive() {
		pids["postgres"] = s.postgres.process.PID()
	}
	if s.redis != nil && s.redis.pid() != 0 {
		pids["redis"] = s.redis.pid()
	}
	return pids
}

// LogTail returns the end of a log file for an error message.
func LogTail(path string) string {
	const most = 2000
	f, err := os.Open(path) //nolint:gosec // A log file in our own directory.
	if err != nil {
		return "(no log)"
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	}
	tail, _ := io.ReadAll(f)
	return string(tail)
}
