package devstack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// redisDatabases is how many databases our Redis has: tests take one each.
const redisDatabases = 1024

// redisServer is a Redis that can be started, crashed and started again on the
// same port.
type redisServer interface {
	start(ctx context.Context) error // does nothing if it runs
	crash(ctx context.Context) error
	stop(ctx context.Context) error
	where() int // port
	pid() int   // 0: no process of its own, or down
	kind() string
}

func newRedis(f Finder, dir string, keep bool, s *Spawner) redisServer {
	if bin := f.redis(); bin != "" {
		return &redisProcess{bin: bin, dir: dir, keep: keep, spawner: s}
	}
	return &redisInside{}
}

// redisProcess is a redis-server process.
type redisProcess struct {
	bin     string
	dir     string
	keep    bool // on disk
	spawner *Spawner
	port    int
	process *Process
}

func (r *redisProcess) start(ctx context.Context) error {
	if r.process.Alive() {
		return nil
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("create redis directory: %w", err)
	}
	if r.port != 0 {
		return r.run(ctx)
	}
	return onFreePort(ctx, func(port int) error {
		r.port = port
		return r.run(ctx)
	})
}

func (r *redisProcess) run(ctx context.Context) error {
	appendOnly := "no"
	if r.keep {
		appendOnly = "yes"
	}
	logPath := filepath.Join(r.dir, "redis.log")
	process, err := r.spawner.Start(ctx, Command{
		Argv: []string{
			r.bin, "--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--dir", r.dir, "--daemonize", "no",
			"--save", "", "--appendonly", appendOnly, "--maxmemory-policy", "noeviction",
			"--databases", strconv.Itoa(redisDatabases),
		},
		Dir: "/", Env: serverEnviron(), LogPath: logPath, OrphanSignal: syscall.SIGTERM,
	})
	if err != nil {
		return err
	}
	r.process = process
	err = untilAnswers(ctx, process, r.ask)
	if err == nil {
		return nil
	}
	tail := LogTail(logPath)
	if strings.Contains(tail, "Address already in use") {
		err = errors.Join(errPortTaken, err)
	}
	return errors.Join(fmt.Errorf("redis on port %d: %w\n%s", r.port, err, tail), r.stop(context.WithoutCancel(ctx)))
}

// ask checks that the server is ours and has loaded its data: another could
// have taken the port first. INFO names the process, PING fails while loading.
func (r *redisProcess) ask(ctx context.Context) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // a connection without a deadline would only wait longer
	}
	if _, err := fmt.Fprint(conn, "INFO server\r\nPING\r\n"); err != nil {
		return err
	}
	ours := fmt.Sprintf("process_id:%d", r.process.PID())
	found := false
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch line := strings.TrimSpace(lines.Text()); {
		case line == ours:
			found = true
		case line == "+PONG" && found:
			return nil
		case line == "+PONG":
			return fmt.Errorf("another server answers on port %d", r.port)
		case strings.HasPrefix(line, "-"):
			return fmt.Errorf("redis answers %s", line)
		}
	}
	return errors.Join(errors.New("redis closed the connection"), lines.Err())
}

func (r *redisProcess) crash(ctx context.Context) error {
	return r.process.End(ctx, 5*time.Second, syscall.SIGKILL)
}

func (r *redisProcess) stop(ctx context.Context) error {
	return r.process.End(ctx, 5*time.Second, syscall.SIGTERM, syscall.SIGKILL)
}

func (r *redisProcess) where() int { return r.port }

func (r *redisProcess) pid() int {
	if !r.process.Alive() {
		return 0
	}
	return r.process.PID()
}

func (r *redisProcess) kind() string { return filepath.Base(r.bin) }
