package dev

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

const (
	readyTimeout = 30 * time.Second
	readyPoll    = 25 * time.Millisecond
)

// post is a place in the fleet: what a child is and where it can be asked.
type post struct {
	name    string
	mode    string
	metrics string // host:port
}

// fleet is the daemon's child processes.
type fleet struct {
	posts    []post
	children []*child
	spawner  *devstack.Spawner
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// launch starts one child per post with the settings; changed is called
// whenever a process id has changed.
func launch(ctx context.Context, o Options, s settings, dir string, posts []post, changed func()) *fleet {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &fleet{posts: posts, spawner: devstack.NewSpawner(), cancel: cancel}
	for _, p := range posts {
		c := &child{
			name: p.name, spawner: f.spawner, changed: changed,
			logger: o.Logger.With("component", "dev"),
			command: devstack.Command{
				Argv: o.Argv, Append: true, LogPath: filepath.Join(dir, p.name+".log"), OrphanSignal: syscall.SIGTERM,
				Env: s.environ(map[string]string{envMode: p.mode, envMetricsListen: p.metrics}),
			},
		}
		f.children = append(f.children, c)
	}
	for _, c := range f.children {
		f.running.Go(func() { c.run(ctx) })
	}
	return f
}

// stop stops all children, orderly and at once.
func (f *fleet) stop() {
	f.cancel()
	f.running.Wait()
	f.spawner.Close()
}

// pids returns the process ids by name; one that is down is missing.
func (f *fleet) pids() map[string]int {
	pids := map[string]int{}
	for _, c := range f.children {
		if pid := c.pid(); pid != 0 {
			pids[c.name] = pid
		}
	}
	return pids
}

// workers returns the children that run jobs.
func (f *fleet) workers() []*child {
	var workers []*child
	for i, p := range f.posts {
		if p.mode == "worker" {
			workers = append(workers, f.children[i])
		}
	}
	return workers
}

// ready returns when every child says so.
func (f *fleet) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for i, p := range f.posts {
		if err := f.children[i].ready(ctx, client, reachable(p.metrics)+"/readyz"); err != nil {
			return fmt.Errorf("%s does not get ready: %w\n%s", p.name, err, devstack.LogTail(f.children[i].command.LogPath))
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
		case c.failing():
			return fmt.Errorf("it ends again and again: %w", err)
		case !wait(ctx, readyPoll):
			return err
		}
	}
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

// posts returns the places of the fleet: one api, two workers. The user may
// have named the api's metrics address; workers always get ports of their own.
func posts(ctx context.Context, s settings) ([]post, error) {
	all := []post{{name: "api", mode: "api"}, {name: "worker-1", mode: "worker"}, {name: "worker-2", mode: "worker"}}
	for i := range all {
		port, err := devstack.FreePort(ctx)
		if err != nil {
			return nil, err
		}
		all[i].metrics = "127.0.0.1:" + strconv.Itoa(port)
	}
	if listen, ok := s[envMetricsListen]; ok && listen != "" {
		all[0].metrics = listen
	}
	return all, nil
}
