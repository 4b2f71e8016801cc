package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgres is one PostgreSQL server and its data directory.
type postgres struct {
	bin     string // directory of initdb and postgres
	dir     string
	logPath string
	durable bool
	more    map[string]string
	runAs   *identity
	spawner *Spawner
	port    int
	process *Process
}

// open creates the data directory if it is not there and starts the server on
// a free port, with the database "inboxd" in it.
func (p *postgres) open(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	err := onFreePort(ctx, func(port int) error {
		p.port = port
		return p.run(ctx)
	})
	if err != nil {
		return err
	}
	return p.createDatabase(ctx)
}

func (p *postgres) restart(ctx context.Context) error {
	if p.process.Alive() {
		return nil
	}
	return p.run(ctx)
}

// prepare leaves an initialised data directory that no server runs on.
func (p *postgres) prepare(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(p.dir, "PG_VERSION")); err == nil {
		return p.claimExisting(ctx)
	}
	if err := os.RemoveAll(p.dir); err != nil { // what a broken initdb left
		return fmt.Errorf("clear postgresql directory: %w", err)
	}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return fmt.Errorf("create postgresql directory: %w", err)
	}
	if err := p.runAs.own(p.dir); err != nil {
		return err
	}
	args := []string{"-D", p.dir, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"}
	if !p.durable {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "initdb"), args...) //nolint:gosec // The Finder chose it.
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + p.bin + ":" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.runAs.credential()}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb in %s: %w\n%s", p.dir, err, out)
	}
	return nil
}

// claimExisting refuses a directory with a living server on it, after a little
// patience for one that is just stopping, and clears a stale pid file.
func (p *postgres) claimExisting(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		pid := runningPostmaster(p.dir)
		if pid == 0 {
			err := os.Remove(filepath.Join(p.dir, "postmaster.pid"))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("remove stale pid file: %w", err)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another PostgreSQL (process %d) runs on %s: stop it or choose another data directory", pid, p.dir)
		case <-tick.C:
		}
	}
}

// settings returns the server's command line after the program.
func (p *postgres) settings(name string) []string {
	args := []string{
		"-D", p.dir, "-p", strconv.Itoa(p.port),
		"-c", "cluster_name=" + name,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", // a socket path may be too long
		"-c", "max_connections=200", "-c", "shared_buffers=128MB", "-c", "max_wal_size=4GB",
		"-c", "checkpoint_timeout=15min", "-c", "timezone=UTC", "-c", "log_timezone=UTC",
		"-c", "logging_collector=off", "-c", "log_destination=stderr", "-c", "jit=off",
	}
	if !p.durable {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	for name, value := range p.more { // after ours: the last one counts
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// run starts the server on p.port and returns when it answers.
func (p *postgres) run(ctx context.Context) error {
	name := fmt.Sprintf("inboxd-%d-%d", os.Getpid(), time.Now().UnixNano())
	process, err := p.spawner.Start(ctx, Command{
		Argv: append([]string{filepath.Join(p.bin, "postgres")}, p.settings(name)...),
		Dir:  "/", Env: serverEnviron(), LogPath: p.logPath, runAs: p.runAs, OrphanSignal: syscall.SIGINT,
	})
	if err != nil {
		return err
	}
	p.process = process
	err = untilAnswers(ctx, process, func(ctx context.Context) error { return p.ask(ctx, name) })
	if err == nil {
		return nil
	}
	tail := LogTail(p.logPath)
	if strings.Contains(tail, "Address already in use") {
		err = errors.Join(errPortTaken, err)
	}
	return errors.Join(fmt.Errorf("postgresql on port %d: %w\n%s", p.port, err, tail), p.stop(context.WithoutCancel(ctx)))
}

// ask checks that the server answers and that it is ours: another could have
// taken the port first.
func (p *postgres) ask(ctx context.Context, name string) error {
	return p.with(ctx, func(conn *pgx.Conn) error {
		var got string
		if err := conn.QueryRow(ctx, "SHOW cluster_name").Scan(&got); err != nil {
			return err
		}
		if got != name {
			return fmt.Errorf("another server answers on port %d", p.port)
		}
		return nil
	})
}

func (p *postgres) createDatabase(ctx context.Context) error {
	return p.with(ctx, func(conn *pgx.Conn) error {
		var there bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'inboxd')").Scan(&there); err != nil || there {
			return err
		}
		_, err := conn.Exec(ctx, "CREATE DATABASE inboxd")
		return err
	})
}

// with lends a connection to the maintenance database.
func (p *postgres) with(ctx context.Context, use func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, p.url("postgres"))
	if err != nil {
		return err
	}
	err = use(conn)
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

func (p *postgres) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

// stop asks for a fast shutdown (clients are cut, data is flushed), then for
// an immediate one.
func (p *postgres) stop(ctx context.Context) error {
	return p.process.End(ctx, 10*time.Second, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL)
}

func (p *postgres) crash(ctx context.Context) error {
	return p.process.End(ctx, 5*time.Second, syscall.SIGQUIT, syscall.SIGKILL)
}
