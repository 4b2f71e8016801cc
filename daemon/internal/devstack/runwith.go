package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// The environment variables that carry a shared stack to test processes.
const (
	TestDatabaseURL = "INBOXD_TEST_DATABASE_URL"
	TestRedisURL    = "INBOXD_TEST_REDIS_URL"
)

// RunWith starts one fast, forgetful stack, runs argv with its addresses in
// the environment beside env ("NAME=value"), and stops the stack. Standard
// streams and signals go to the command; its exit code comes back, 128 + n if
// signal n ended it. An error means that the command could not be run.
func RunWith(ctx context.Context, argv, env []string) (code int, err error) {
	if len(argv) == 0 {
		return 0, errors.New("no command given")
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	stack, err := Start(ctx, Options{Redis: true})
	if err != nil {
		return 0, err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		err = errors.Join(err, stack.Stop(stop))
	}()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // Running it is the purpose.
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), env...), TestDatabaseURL+"="+stack.DatabaseURL, TestRedisURL+"="+stack.RedisURL)
	return runForwarding(cmd, signals)
}

// runForwarding runs cmd and passes signals on to it until it ends.
func runForwarding(cmd *exec.Cmd, signals <-chan os.Signal) (int, error) {
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("run command: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			_ = cmd.Process.Signal(sig) // it fails only if the command has just ended
		case err := <-ended:
			return exitCode(err)
		}
	}
}

func exitCode(err error) (int, error) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return 0, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
