package faultstest_test

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

// The environment of this test binary when it is a daemon: the process that the
// suite kills.
const (
	serveEnv  = "INBOXD_TEST_SERVE"
	offsetEnv = "INBOXD_TEST_CLOCK_OFFSET" // how wrong its clock is, e.g. -2m
)

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		os.Exit(serveForTest()) //nolint:forbidigo // this is its main
	}
	// go-redis looks once a second whether a server that refused it is back, and
	// ends within that second after Close.
	stacktest.Main(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

func serveForTest() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := serve(ctx, log); err != nil {
		log.ErrorContext(ctx, "test daemon ended", "error", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, log *slog.Logger) error {
	c, _, err := daemon.LoadConfig("", os.Environ(), nil)
	if err != nil {
		return err
	}
	var offset time.Duration
	if given := os.Getenv(offsetEnv); given != "" {
		if offset, err = time.ParseDuration(given); err != nil {
			return err
		}
	}
	d, err := daemon.New(ctx, daemon.Options{
		Config: c, Build: daemon.Build{Version: "v0.0.0-test"}, Logger: log, Getenv: os.Getenv, PID: os.Getpid(), Host: "test",
		Now: func() time.Time { return time.Now().Add(offset) },
	})
	if err != nil {
		return err
	}
	return d.Run(ctx)
}
