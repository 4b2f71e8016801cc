package dev

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

const (
	readyTimeout = time.Minute
	readyPoll    = 25 * time.Millisecond
)

// children are the daemon's processes: one api, two workers.
type children struct {
	all     []*child
	spawner *devstack.Spawner
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// launch starts one child per role with the settings; changed is called
// whenever a process id has changed.
func launch(ctx context.Context, o Options, s settings, dir string, roles []role, changed func()) *children {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &children{spawner: devstack.NewSpawner(), cancel: cancel}
	for _, r := range roles {
		c := &child{
			role: r, spawner: p.spawner, changed: changed,
			logger: o.Logger.With("component", "dev"),
			command: devstack.Command{
				Argv: o.Argv, Append: true, LogPath: filepath.Join(dir, r.name+".log"), OrphanSignal: syscall.SIGTERM,
				Env: s.environ(map[string]string{envMode: r.mode, envMetricsListen: r.metrics}),
			},
		}
		p.all = append(p.all, c)
	}
	for _, c := range p.all {
		p.running.Go(func() { c.run(ctx) })
	}
	return p
}

// stop stops all children, orderly and at once.
func (p *children) stop() {
	p.cancel()
	p.running.Wait()
	p.spawner.Close()
}

// pids returns the process ids by name; one that is down is missing.
func (p *children) pids() map[string]int {
	pids := map[string]int{}
	for _, c := range p.all {
		if pid := c.pid(); pid != 0 {
			pids[c.name] = pid
		}
	}
	return pids
}

// workers returns the children that run jobs.
func (p *children) workers() []*child {
	var workers []*child
	for _, c := range p.all {
		if c.mode == "worker" {
			workers = append(workers, c)
		}
	}
	return workers
}

// ready returns when every child says so.
func (p *children) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for _, c := range p.all {
		if err := c.ready(ctx, client, reachable(c.metrics)+"/readyz"); err != nil {
			return fmt.Errorf("%s does not get ready: %w\n%s", c.name, err, devstack.LogTail(c.command.LogPath))
		}
	}
	return nil
}

func (c *child) ready(ctx context.Context, client *http.Client, url string) error {
	for {
		err := askReady(ctx, client, url)
		switch {
		case err == nil:
			return nil
		case c.failing() && !c.portTaken():
			return fmt.Errorf("it ends again and again: %w", err)
		case !wait(ctx, readyPoll):
			return err
		}
	}
}

// portTaken reports whether somebody else got the child's port first. Whoever that
// is may be gone soon: most often it is a connection to elsewhere.
func (c *child) portTaken() bool {
	return strings.Contains(devstack.LogTail(c.command.LogPath), "address already in use")
}

func askReady(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", url, res.StatusCode)
	}
	return nil
}

// allRoles returns what to start.
func allRoles() []role {
	return []role{{name: "api", mode: "api"}, {name: "worker-1", mode: "worker"}, {name: "worker-2", mode: "worker"}}
}

// place gives each role a metrics address. The user may have named the api's;
// workers always get ports of their own.
func (s settings) place(roles []role, ports []int) {
	for i := range roles {
		roles[i].metrics = "127.0.0.1:" + strconv.Itoa(ports[i])
	}
	if listen, ok := s[envMetricsListen]; ok && listen != "" {
		roles[0].metrics = listen
	}
}
