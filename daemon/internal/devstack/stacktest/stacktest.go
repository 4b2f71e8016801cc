// Package stacktest gives tests real servers: each test its own PostgreSQL
// database and its own Redis database on servers shared by the test process,
// or by all test processes of `make test`. It owns isolation and clean-up; it
// refuses to be linked into anything but tests.
package stacktest

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

const patience = time.Minute // for anything a server is asked to do here

// Main is the body of TestMain: it runs the tests, stops the servers they
// started and fails if a goroutine is left over. Options are goleak's.
//
//	func TestMain(m *testing.M) { stacktest.Main(m) }
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(stopping{m}, options...)
}

// Start starts a stack of the test's own, to be killed and restarted at will.
// It is stopped at the test's end.
func Start(tb testing.TB, o devstack.Options) *devstack.Stack {
	tb.Helper()
	stack, err := devstack.Start(tb.Context(), o)
	if err != nil {
		tb.Fatalf("start servers: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := stack.Stop(ctx); err != nil {
			tb.Errorf("stop servers: %v", err)
		}
	})
	return stack
}

// stopping is a test run that ends with the end of the shared servers.
type stopping struct{ m *testing.M }

// Run runs the tests, also when they panic or the user interrupts them.
func (s stopping) Run() (code int) {
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { stopOnSignal(ended) })
	defer func() {
		close(ended)
		watch.Wait()
		if err := shared.stop(); err != nil {
			_, _ = os.Stderr.WriteString("stop test servers: " + err.Error() + "\n")
			code = max(code, 1)
		}
	}()
	return s.m.Run()
}

// stopOnSignal stops the shared servers when the process is interrupted and
// then lets the signal do its work.
func stopOnSignal(ended <-chan struct{}) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	select {
	case <-ended:
	case sig := <-signals:
		_ = shared.stop() // the process ends anyway
		signal.Reset()
		if number, ok := sig.(syscall.Signal); ok {
			_ = syscall.Kill(os.Getpid(), number)
		}
	}
}

// shared are the servers of this test process.
//
//nolint:gochecknoglobals // Tests of one process share servers, and TestMain passes nothing to tests.
var shared servers

// servers are found or started at the first use.
type servers struct {
	once        sync.Once
	err         error
	databaseURL string
	redisURL    string
	stack       *devstack.Stack // nil: somebody else's servers

	mu        sync.Mutex // serialises the creation of databases
	templates map[uintptr]template
}

// get returns the servers; they run.
func (s *servers) get(tb testing.TB) *servers {
	tb.Helper()
	s.once.Do(func() {
		s.databaseURL, s.redisURL = os.Getenv(devstack.TestDatabaseURL), os.Getenv(devstack.TestRedisURL)
		if s.databaseURL != "" && s.redisURL != "" {
			return
		}
		if s.stack, s.err = devstack.Start(context.WithoutCancel(tb.Context()), devstack.Options{Redis: true}); s.err != nil {
			return
		}
		if s.databaseURL == "" {
			s.databaseURL = s.stack.DatabaseURL
		}
		if s.redisURL == "" {
			s.redisURL = s.stack.RedisURL
		}
	})
	if s.err != nil {
		tb.Fatalf("start test servers: %v", s.err)
	}
	return s
}

// stop drops what this process made on others' servers and stops its own.
func (s *servers) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.once.Do(func() { s.err = errors.New("the tests have ended") })
	err := s.dropTemplates(ctx)
	if s.stack != nil {
		err = errors.Join(err, s.stack.Stop(ctx))
	}
	return err
}
