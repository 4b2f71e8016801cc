package dev

import (
	"context"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

const (
	restartFirst     = 100 * time.Millisecond // a killed worker is back within a second
	restartMost      = 5 * time.Second
	soundLife        = 5 * time.Second  // who lived this long is restarted without delay
	childStopTimeout = 25 * time.Second // above the daemon's own drain
)

// role is what a child process is and where it can be asked.
type role struct {
	name    string
	mode    string
	metrics string // host:port
}

// child is one process of the daemon that is started again whenever it ends.
// Safe for concurrent use.
type child struct {
	role

	command devstack.Command
	spawner *devstack.Spawner
	logger  *slog.Logger
	changed func() // called when the process id has changed

	mu      sync.Mutex
	process *devstack.Process
	starts  int
}

// run keeps the child alive until ctx ends, then stops it orderly.
func (c *child) run(ctx context.Context) {
	var pause time.Duration
	first := true
	for {
		began := time.Now()
		process, err := c.spawner.Start(ctx, c.command)
		if err != nil {
			c.logger.ErrorContext(ctx, "process cannot be started", "name", c.name, "error", err)
		} else {
			c.set(process)
			c.changed()
			if !first {
				c.logger.InfoContext(ctx, "process started again", "name", c.name)
			}
			first = false
			select {
			case <-process.Exited():
				c.logger.WarnContext(ctx, "process ended", "name", c.name, "error", process.Err(), "log", c.command.LogPath)
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			c.stop(context.WithoutCancel(ctx))
			return
		}
		if pause = restartPause(pause, time.Since(began)); !wait(ctx, pause) {
			return
		}
	}
}

// restartPause returns how long to wait before the next start, after a wait of
// last (0: none yet) and a life of lived.
func restartPause(last, lived time.Duration) time.Duration {
	if last == 0 || lived >= soundLife {
		return restartFirst
	}
	return min(2*last, restartMost)
}

func (c *child) stop(ctx context.Context) {
	if err := c.current().End(ctx, childStopTimeout, syscall.SIGTERM, syscall.SIGKILL); err != nil {
		c.logger.ErrorContext(ctx, "process does not stop", "name", c.name, "error", err)
	}
}

// kill ends the process at once, as a crash would.
func (c *child) kill(ctx context.Context) error {
	return c.current().End(ctx, childStopTimeout, syscall.SIGKILL)
}

func (c *child) set(p *devstack.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = p
	c.starts++
}

func (c *child) current() *devstack.Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process
}

// pid returns the process id, 0 while there is none.
func (c *child) pid() int {
	p := c.current()
	if !p.Alive() {
		return 0
	}
	return p.PID()
}

// failing reports whether the child ends again and again.
func (c *child) failing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.starts >= 4
}
