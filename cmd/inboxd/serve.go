package main

import (
	"context"
	"os"
	"strings"

	"github.com/bandeja/inboxd/daemon"
)

func serve(ctx context.Context, e env, path string, flags map[string]string) error {
	c, err := load(e, path, flags)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	log, level := daemon.NewLogger(e.stderr, c)
	d, err := daemon.New(ctx, daemon.Options{
		Config: c, Build: build(), Host: host, PID: os.Getpid(),
		Logger: log, Level: level,
		Getenv: func(name string) string { return lookup(e.environ, name) },
	})
	if err != nil {
		return err
	}
	if e.hangups != nil {
		go reloads(ctx, d, e.hangups(), func() (daemon.Config, error) { return load(e, path, flags) })
	}
	return d.Run(ctx)
}

func reloads(ctx context.Context, d *daemon.Daemon, asked <-chan os.Signal, load func() (daemon.Config, error)) {
	for {
		select {
		case <-asked:
			d.Reload(ctx, load)
		case <-ctx.Done():
			return
		}
	}
}

func lookup(environ []string, name string) string {
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}
