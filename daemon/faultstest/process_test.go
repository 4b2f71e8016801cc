package faultstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/devstack/proxy"
)

const (
	restartPause = 100 * time.Millisecond
	stopPatience = 20 * time.Second // above the daemon's own drain
)

// process is one daemon of the rig, started again whenever it ends, as a
// supervisor would. Its ways to PostgreSQL and Redis are its own, so that one
// process alone can be cut off. Safe for concurrent use.
type process struct {
	name, mode      string
	postgres, redis *proxy.Proxy
	socket          string // of operators; only an api serves it
	command         devstack.Command
	spawner         *devstack.Spawner
	stop            context.CancelFunc
	running         sync.WaitGroup

	mu    sync.Mutex
	now   *devstack.Process
	lives []*life
}

// life is one start of a process.
type life struct {
	name    string
	pid     int
	excused bool // what happens to it is our own doing: killed, or frozen for long
	ended   bool
	how     error
}

// newProcess prepares a daemon; run starts it.
func (r *rig) newProcess(name, mode string, more ...string) (*process, error) {
	p := &process{name: name, mode: mode, spawner: r.spawner, socket: filepath.Join(r.dir, name+".sock")}
	database, postgres, err := through(r.stack.DatabaseURL)
	if err != nil {
		return nil, err
	}
	redis, redisProxy, err := through(r.stack.RedisURL)
	if err != nil {
		return nil, errors.Join(err, postgres.Close())
	}
	p.postgres, p.redis = postgres, redisProxy
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p.command = devstack.Command{
		Argv: []string{exe}, Append: true, LogPath: filepath.Join(r.dir, name+".log"), OrphanSignal: syscall.SIGKILL,
		Env: append(r.environ(), append([]string{
			serveEnv + "=1", "APP_MODE=" + mode, "INBOXD_DATABASE_URL=" + database, "INBOXD_REDIS_URL=" + redis,
			"INBOXD_ADMIN_SOCKET=" + p.socket,
		}, more...)...),
	}
	return p, nil
}

// through puts a proxy in front of the server that a URL names.
func through(raw string) (string, *proxy.Proxy, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", nil, err
	}
	p, err := proxy.New(u.Host)
	if err != nil {
		return "", nil, err
	}
	u.Host = p.Addr()
	return u.String(), p, nil
}

// run keeps the process alive until end.
func (p *process) run() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	p.running.Go(func() {
		for ctx.Err() == nil {
			p.live(ctx)
			wait(ctx, restartPause)
		}
	})
}

func (p *process) live(ctx context.Context) {
	now, err := p.spawner.Start(ctx, p.command)
	if err != nil {
		return // the machine is full; the rig sees that nobody serves
	}
	l := &life{name: p.name, pid: now.PID()}
	p.mu.Lock()
	p.now, p.lives = now, append(p.lives, l)
	p.mu.Unlock()
	select {
	case <-now.Exited():
	case <-ctx.Done():
		_ = syscall.Kill(l.pid, syscall.SIGCONT)
		_ = now.End(context.WithoutCancel(ctx), stopPatience, syscall.SIGTERM, syscall.SIGKILL)
		<-now.Exited()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l.ended, l.how = true, now.Err()
	l.excused = l.excused || ctx.Err() != nil
}

// kill ends the process at once, as a crash would, and returns who it was.
func (p *process) kill(ctx context.Context) (pid int, err error) {
	now, l, err := p.alive(ctx)
	if err != nil {
		return 0, err
	}
	return l.pid, now.End(ctx, stopPatience, syscall.SIGKILL)
}

// freeze stops the process's clock for d, as a suspended machine would.
func (p *process) freeze(ctx context.Context, d time.Duration) (pid int, err error) {
	_, l, err := p.alive(ctx)
	if err != nil {
		return 0, err
	}
	if err := syscall.Kill(l.pid, syscall.SIGSTOP); err != nil {
		return l.pid, err
	}
	wait(ctx, d)
	return l.pid, syscall.Kill(l.pid, syscall.SIGCONT)
}

// alive waits until the process runs and excuses what will happen to it.
func (p *process) alive(ctx context.Context) (*devstack.Process, *life, error) {
	for {
		p.mu.Lock()
		if p.now.Alive() {
			l := p.lives[len(p.lives)-1]
			l.excused = true
			now := p.now
			p.mu.Unlock()
			return now, l, nil
		}
		p.mu.Unlock()
		if !wait(ctx, restartPause/10) {
			return nil, nil, fmt.Errorf("%s does not run: %w", p.name, ctx.Err())
		}
	}
}

// history returns a copy of every life so far.
func (p *process) history() (lives []life) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lives {
		lives = append(lives, *l)
	}
	return lives
}

// end stops the process for good, and its ways.
func (p *process) end() error {
	if p.stop != nil {
		p.stop()
		p.running.Wait()
	}
	return errors.Join(p.postgres.Close(), p.redis.Close())
}

// wait returns after d, false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
