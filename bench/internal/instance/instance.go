// Package instance runs our daemon inside this process, as cmd/inboxd would: the
// wiring that ships is what is measured. Only what a job does can be replaced.
package instance

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"

	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// AppSecret signs webhooks.
const AppSecret = "bench"

// Options say which process to run.
type Options struct {
	Mode       string // worker, api or all
	Processors map[job.Type]worker.Processor
	Settings   []string // further settings, as in the environment
}

// Instance is one running daemon.
type Instance struct {
	d    *daemon.Daemon
	dir  string
	stop context.CancelFunc
	done chan error
}

// Start starts a daemon; it serves a moment later.
func Start(ctx context.Context, s *rig.Servers, o Options) (*Instance, error) {
	dir, err := os.MkdirTemp("", "inboxd") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	i := &Instance{dir: dir, done: make(chan error, 1)}
	config, _, err := daemon.LoadConfig("", append([]string{
		"APP_MODE=" + o.Mode, "INBOXD_DATABASE_URL=" + s.DatabaseURL, "INBOXD_LISTEN=127.0.0.1:0", "INBOXD_METRICS_LISTEN=127.0.0.1:0",
		"INBOXD_ADMIN_SOCKET=" + i.socket(), "INBOXD_META_APP_SECRET=" + AppSecret, "INBOXD_META_VERIFY_TOKEN=bench", "INBOXD_META_APP_ID=1",
		"INBOXD_SECRET_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "INBOXD_META_GRAPH_URL=http://127.0.0.1:9",
	}, o.Settings...), nil)
	if err != nil {
		return nil, err
	}
	i.d, err = daemon.New(ctx, daemon.Options{
		Config: config, Build: daemon.Build{Version: "bench"}, Host: "bench", PID: os.Getpid(), Logger: slog.New(slog.DiscardHandler),
		Getenv: func(string) string { return "" }, Processors: o.Processors,
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	i.stop = stop
	go func() { i.done <- i.d.Run(running) }()
	return i, nil
}

func (i *Instance) socket() string { return filepath.Join(i.dir, "admin.sock") }

// URL is where its API listens, in modes api and all.
func (i *Instance) URL() string { return i.d.APIURL() }

// Socket is where operators reach it, as inboxctl's --server takes it.
func (i *Instance) Socket() string { return "unix://" + i.socket() }

// Admin returns a client of its operators' API.
func (i *Instance) Admin() (*admin.Client, error) {
	return admin.NewClient(admin.Options{Server: i.Socket()})
}

// Ended receives the daemon's error if it ends by itself.
func (i *Instance) Ended() <-chan error { return i.done }

// Stop drains and ends it.
func (i *Instance) Stop() error {
	i.stop()
	return errors.Join(<-i.done, os.RemoveAll(i.dir))
}
