package dev

import (
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// manifest is dev.json: where everything is, for programs that want to join
// in. It holds secrets of this play.
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

// noticeboard keeps dev.json up to date: process ids change when a child is
// started again. Safe for concurrent use.
type noticeboard struct {
	mu   sync.Mutex
	path string // empty: nothing is written yet
	text manifest
	pids []func() map[string]int
}

// publish writes the file for the first time.
func (b *noticeboard) publish(path string, text manifest, pids ...func() map[string]int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	b.path, b.text, b.pids = abs, text, pids
	return b.write()
}

// refresh writes the file again, if it has been published.
func (b *noticeboard) refresh() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.path == "" {
		return nil
	}
	return b.write()
}

// withdraw removes the file.
func (b *noticeboard) withdraw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.path != "" {
		_ = os.Remove(b.path) // it may be gone with its directory
		b.path = ""
	}
}

func (b *noticeboard) write() error {
	b.text.PIDs = map[string]int{"dev": os.Getpid()}
	for _, more := range b.pids {
		maps.Copy(b.text.PIDs, more())
	}
	return writeJSON(b.path, b.text)
}
