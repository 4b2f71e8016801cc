package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Spawner starts child processes from one operating system thread that lives
// as long as the Spawner: Linux ties the signal a child gets at its parent's
// death to the thread that created it.
type Spawner struct {
	work chan func()
	done chan struct{}
}

// NewSpawner returns a Spawner; the caller must Close it after its children
// have ended.
func NewSpawner() *Spawner {
	s := &Spawner{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for do := range s.work {
			do()
		}
	}()
	return s
}

// Close ends the thread. Start may not be called after it.
func (s *Spawner) Close() {
	close(s.work)
	<-s.done
}

// Command is what to start. The child gets a process group of its own: the
// terminal's ctrl-C does not reach it.
type Command struct {
	Argv         []string
	Dir          string         // working directory
	Env          []string       // all of it: nothing is inherited
	LogPath      string         // file for both output streams
	Append       bool           // keep what is in the log
	OrphanSignal syscall.Signal // what the child gets if we die without stopping it (Linux)
	runAs        *identity
}

// Process is one child. The nil Process is one that does not run.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the child has been waited for
	err    error         // of Wait; read after exited
}

// Start starts the command; the child's life is not bound to ctx but to End.
func (s *Spawner) Start(ctx context.Context, c Command) (*Process, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if !c.Append {
		flags |= os.O_TRUNC
	}
	log, err := os.OpenFile(c.LogPath, flags, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()                                               // the child has its own copy
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.Argv[0], c.Argv[1:]...) //nolint:gosec // A program our caller chose.
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.Dir, c.Env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.runAs.credential()}
	dieWithParent(cmd.SysProcAttr, c.OrphanSignal)
	started := make(chan error)
	s.work <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Argv[0], err)
	}
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended; Err then says how.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err returns how the process ended: nil after exit code 0. It may be called
// once Exited is closed.
func (p *Process) Err() error { return p.err }

// Alive reports whether the process has been started and has not ended.
func (p *Process) Alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// End sends the signals one after another, each after the one before had its
// patience or ctx has ended, until the process is gone. The last one should be
// SIGKILL.
func (p *Process) End(ctx context.Context, patience time.Duration, signals ...syscall.Signal) error {
	if !p.Alive() {
		return nil
	}
	for _, sig := range signals {
		if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("signal process %d: %w", p.PID(), err)
		}
		timer := time.NewTimer(patience)
		select {
		case <-p.exited:
			timer.Stop()
			return nil
		case <-timer.C:
		case <-done(ctx, sig):
			timer.Stop()
		}
	}
	return fmt.Errorf("process %d does not end", p.PID())
}

// done returns ctx.Done, except for SIGKILL, which is always waited for.
func done(ctx context.Context, sig syscall.Signal) <-chan struct{} {
	if sig == syscall.SIGKILL {
		return nil
	}
	return ctx.Done()
}

// serverEnviron is what a server sees of our environment: no PGPORT, PGDATA
// and the like of the caller.
func serverEnviron() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}
