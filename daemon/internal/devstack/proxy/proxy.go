// Package proxy is a TCP proxy with faults, for tests of what happens when a
// server is away, silent, slow, or does what it was asked and its answer is
// lost. It owns connections; it knows nothing of the protocols in them.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Proxy stands between clients and one server. Its methods may be called from
// several goroutines at once; a change of mode holds for open connections too.
type Proxy struct {
	listener net.Listener
	target   string
	ctx      context.Context //nolint:containedctx // The life of the proxy's own goroutines.
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	state state
	drop  *drop // nil: none is armed
	links map[*link]struct{}
}

type mode int

const (
	pass mode = iota
	cut
	hold
)

// state is how the proxy behaves until changed is closed.
type state struct {
	mode    mode
	delay   time.Duration
	changed chan struct{}
}

// drop waits for a request whose reply is to be lost.
type drop struct {
	match func(request []byte) bool
	done  chan struct{}
}

// New returns a proxy on a free port of 127.0.0.1 that passes everything on to
// target ("host:port") until told otherwise. The caller must Close it.
func New(target string) (*Proxy, error) {
	ctx, cancel := context.WithCancel(context.Background())
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, fmt.Errorf("listen: %w", err)
	}
	p := &Proxy{
		listener: listener, target: target, ctx: ctx, cancel: cancel,
		state: state{changed: make(chan struct{})}, links: map[*link]struct{}{},
	}
	p.running.Go(p.accept)
	return p, nil
}

// Addr returns the "host:port" clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Pass lets everything through at once, what a black hole has held included.
func (p *Proxy) Pass() { p.set(pass, 0) }

// Delay passes everything on, each piece d later than it came.
func (p *Proxy) Delay(d time.Duration) { p.set(pass, d) }

// BlackHole accepts connections and bytes and delivers nothing: the network
// has swallowed the server. What was held is delivered when the mode changes.
func (p *Proxy) BlackHole() { p.set(hold, 0) }

// Cut resets all connections, and each new one as soon as it is made: the
// server is down.
func (p *Proxy) Cut() {
	p.set(cut, 0)
	p.Reset()
}

// Reset resets the open connections once and leaves the mode as it is.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// DropReply arms one fault: the next request that matches (as one piece, as
// the client wrote it) reaches the server, the server's reply is swallowed and
// the connection reset. The channel is closed when that has happened. Arming
// again replaces a fault that has not happened.
func (p *Proxy) DropReply(match func(request []byte) bool) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop = &drop{match: match, done: make(chan struct{})}
	return p.drop.done
}

// Connections returns how many connections are open.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Close resets all connections and returns when every goroutine has ended.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.Reset()
	p.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (p *Proxy) set(m mode, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.state.changed)
	p.state = state{mode: m, delay: delay, changed: make(chan struct{})}
}

func (p *Proxy) current() state {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// takeDrop returns the armed drop if the request matches it, and disarms it.
func (p *Proxy) takeDrop(request []byte) *drop {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.drop
	if d == nil || !d.match(request) {
		return nil
	}
	p.drop = nil
	return d
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		l := &link{proxy: p, client: client, closed: make(chan struct{})}
		if !p.add(l) {
			l.reset()
			continue
		}
		p.running.Go(l.serve)
	}
}

// add registers a link; false in mode cut and after Close.
func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.mode == cut || p.ctx.Err() != nil {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}
