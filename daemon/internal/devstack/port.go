package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	portAttempts = 5
	pollEvery    = 10 * time.Millisecond
)

// errPortTaken says that somebody else got the port between our look and the
// server's bind.
var errPortTaken = errors.New("port is taken")

// FreePort returns a TCP port of 127.0.0.1 that nobody listened on just now. It
// may be taken again before the caller binds it.
func FreePort(ctx context.Context) (int, error) {
	ports, err := FreePorts(ctx, 1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// FreePorts returns n such ports, no two the same: asked one after the other, the
// kernel may give the same one again.
func FreePorts(ctx context.Context, n int) (ports []int, err error) {
	var config net.ListenConfig
	var held []net.Listener
	defer func() {
		for _, l := range held {
			err = errors.Join(err, l.Close())
		}
	}()
	for range n {
		l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		held = append(held, l)
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, errors.New("find a free port: not a TCP address")
		}
		ports = append(ports, addr.Port)
	}
	return ports, nil
}

// onFreePort runs try with free ports until it does not meet errPortTaken.
func onFreePort(ctx context.Context, try func(port int) error) error {
	var err error
	for range portAttempts {
		var port int
		if port, err = FreePort(ctx); err != nil {
			return err
		}
		if err = try(port); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// untilAnswers calls ask until it succeeds. It gives up when the process is
// gone or ctx ends, with ask's last error.
func untilAnswers(ctx context.Context, p *Process, ask func(ctx context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		err := ask(attempt)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended while starting: %w", errors.Join(p.err, err))
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}
