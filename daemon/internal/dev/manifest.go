package dev

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// contextName is what the run is called in the operator's context file.
const contextName = "dev"

// manifest is dev.json: where everything is, for programs that want to join
// in. It holds secrets of this run.
type manifest struct {
	APIURL       string            `json:"api_url"`
	WebhookURL   string            `json:"webhook_url"`
	AdminServer  string            `json:"admin_server"`
	AdminSocket  string            `json:"admin_socket"`
	MetricsURLs  map[string]string `json:"metrics_urls"`
	SimulatorURL string            `json:"simulator_url"`
	DatabaseURL  string            `json:"database_url"`
	RedisURL     string            `json:"redis_url"`
	DataDir      string            `json:"data_dir"`
	Seed         uint64            `json:"seed,string"`
	StartedAt    time.Time         `json:"started_at"`
	PIDs         map[string]int    `json:"pids"`
	AppSecret    string            `json:"app_secret"`
	VerifyToken  string            `json:"verify_token"`
	SecretKey    string            `json:"secret_key"`
	Orgs         []manifestOrg     `json:"orgs"`
}

type manifestOrg struct {
	Name     string            `json:"name"`
	Token    string            `json:"token"`
	Users    []manifestUser    `json:"users"`
	Channels []manifestChannel `json:"channels"`
}

type manifestUser struct {
	Name  string `json:"name"`
	Token string `json:"token,omitempty"` // empty: acts by X-Inbox-User under the org's
}

type manifestChannel struct {
	Kind       string `json:"kind"`
	ExternalID string `json:"external_id"`
	BusinessID string `json:"business_id,omitempty"`
	Token      string `json:"token"`
}

func manifestOrgs(orgs []*org) []manifestOrg {
	all := []manifestOrg{}
	for _, o := range orgs {
		m := manifestOrg{Name: o.name, Token: o.token}
		for _, u := range o.users {
			m.Users = append(m.Users, manifestUser{Name: u.name, Token: u.token})
		}
		for _, ch := range o.channels {
			m.Channels = append(m.Channels, manifestChannel{
				Kind: string(ch.account.Kind), ExternalID: ch.account.ID, BusinessID: ch.account.BusinessID, Token: ch.account.Token,
			})
		}
		all = append(all, m)
	}
	return all
}

// announce tells programs (dev.json) and operators (the context file) where
// everything is.
func (r *run) announce(context.Context) error {
	path := r.options.Manifest
	if path == "" {
		path = filepath.Join(r.stack.Dir, "dev.json")
	}
	if err := r.manifest.create(path, r.describe(), r.stack.PIDs, r.children.pids); err != nil {
		return fmt.Errorf("write dev.json: %w", err)
	}
	r.onTeardown(func(context.Context) error { r.manifest.remove(); return nil })
	if r.options.NoContext {
		return nil
	}
	server := "unix://" + r.socket
	file, err := admin.ConfigPath(func(name string) string { return r.settings[name] })
	if err == nil {
		err = admin.AddContext(file, admin.Context{Name: contextName, Server: server})
	}
	if err != nil {
		r.say("no context is written, use --server %s: %v", server, err)
		return nil
	}
	r.onTeardown(func(context.Context) error { return admin.RemoveContext(file, contextName, server) })
	if c, err := admin.LoadConfig(file); err == nil && c.Current != contextName {
		r.say("inboxctl stays with your context %q: reach this server with --context %s", c.Current, contextName)
	}
	return nil
}

// describe returns the manifest but for its process ids.
func (r *run) describe() manifest {
	urls := map[string]string{}
	for _, c := range r.children.all {
		urls[c.name] = reachable(c.metrics) + "/metrics"
	}
	return manifest{
		APIURL: r.apiURL, WebhookURL: r.webhookURL(), AdminServer: "unix://" + r.socket, AdminSocket: r.socket,
		MetricsURLs: urls, SimulatorURL: r.sim.URL(), DatabaseURL: r.databaseURL, RedisURL: r.redisURL,
		DataDir: r.stack.Dir, Seed: r.options.Seed, StartedAt: time.Now().UTC(),
		AppSecret: r.secrets.AppSecret, VerifyToken: r.secrets.VerifyToken, SecretKey: r.secrets.SecretKey,
		Orgs: manifestOrgs(r.orgs),
	}
}

// manifestFile keeps dev.json up to date: process ids change when a child is
// started again. Safe for concurrent use.
type manifestFile struct {
	mu   sync.Mutex
	path string // empty: nothing is written yet
	text manifest
	pids []func() map[string]int
}

// create writes the file for the first time.
func (f *manifestFile) create(path string, text manifest, pids ...func() map[string]int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	f.path, f.text, f.pids = abs, text, pids
	return f.write()
}

// refresh writes the file again, if it is there.
func (f *manifestFile) refresh() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	return f.write()
}

// remove removes the file.
func (f *manifestFile) remove() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path != "" {
		_ = os.Remove(f.path) // it may be gone with its directory
		f.path = ""
	}
}

func (f *manifestFile) write() error {
	f.text.PIDs = map[string]int{"dev": os.Getpid()}
	for _, more := range f.pids {
		maps.Copy(f.text.PIDs, more())
	}
	return writeJSON(f.path, f.text)
}
