package dev

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// contextName is what the play is called in the operator's context file.
const contextName = "dev"

// announce tells programs (dev.json) and operators (the context file) where
// everything is.
func (s *stage) announce(context.Context) error {
	path := s.options.Manifest
	if path == "" {
		path = filepath.Join(s.stack.Dir, "dev.json")
	}
	if err := s.board.publish(path, s.manifest(), s.stack.PIDs, s.fleet.pids); err != nil {
		return fmt.Errorf("write dev.json: %w", err)
	}
	s.later(func(context.Context) error { s.board.withdraw(); return nil })
	if s.options.NoContext {
		return nil
	}
	server := "unix://" + s.socket
	file, err := admin.ConfigPath(func(name string) string { return s.settings[name] })
	if err == nil {
		err = admin.AddContext(file, admin.Context{Name: contextName, Server: server})
	}
	if err != nil {
		s.say("no context is written, use --server %s: %v", server, err)
		return nil
	}
	s.later(func(context.Context) error { return admin.RemoveContext(file, contextName, server) })
	return nil
}

func (s *stage) manifest() manifest {
	urls := map[string]string{}
	for _, p := range s.fleet.posts {
		urls[p.name] = reachable(p.metrics) + "/metrics"
	}
	return manifest{
		APIURL: s.apiURL, WebhookURL: s.webhookURL(), AdminServer: "unix://" + s.socket, AdminSocket: s.socket,
		MetricsURLs: urls, SimulatorURL: s.sim.URL(), DatabaseURL: s.databaseURL, RedisURL: s.redisURL,
		DataDir: s.stack.Dir, Seed: s.options.Seed, StartedAt: time.Now().UTC(),
		AppSecret: s.secrets.AppSecret, VerifyToken: s.secrets.VerifyToken, SecretKey: s.secrets.SecretKey,
		Orgs: manifestOrgs(s.orgs),
	}
}
