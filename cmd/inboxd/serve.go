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
	d, err := daemon.New(ctx, daemon.Options{
		Config: c, Build: build(), Host: host, PID: os.Getpid(),
		Logger: daemon.NewLogger(e.stderr, c),
		Getenv: func(name string) string { return lookup(e.environ, name) },
	})
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

func lookup(environ []string, name string) string {
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}
