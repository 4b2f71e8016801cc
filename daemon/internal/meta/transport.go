package meta

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	dialTimeout      = 3 * time.Second
	handshakeTimeout = 3 * time.Second
	// idleTimeout is shorter than the edge's own keep-alive, so that we seldom
	// write into a connection that is being closed.
	idleTimeout     = 30 * time.Second
	maxIdlePerHost  = 128
	keepAlivePeriod = 15 * time.Second
)

// errFenced is what a write fails with when this process may no longer send.
var errFenced = errors.New("fenced: this process may no longer send")

// newTransport returns the transport of real sends. It speaks HTTP/1.1 only:
// one request per connection at a time makes "was a byte of this request
// written?" a question with an exact answer, and HTTP/2's own replays after
// GOAWAY cannot happen. Roots are the trusted authorities, nil: the system's.
func newTransport(fence func() error, roots *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlivePeriod}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &guardedConn{Conn: conn, fence: fence}, nil
	}
	dialTLS := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secured, err := handshake(ctx, conn, address, roots)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return &guardedConn{Conn: secured, fence: fence}, nil
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		DialTLSContext:         dialTLS,
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  sendTimeout,
		MaxIdleConns:           2 * maxIdlePerHost,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswer,
		DisableCompression:     true,
	}
}

func handshake(ctx context.Context, conn net.Conn, address string, base *tls.Config) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split address: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		config = base.Clone()
	}
	config.ServerName, config.NextProtos = host, []string{"http/1.1"}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	return secured, nil
}

// guardedConn counts what requests write, after TLS, and asks the fence before
// the first byte of each.
type guardedConn struct {
	net.Conn
	fence func() error

	mu      sync.Mutex
	armed   bool
	sealed  bool
	fenced  bool
	written int64
}

// arm makes the next write the first of a request.
func (c *guardedConn) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.written, c.fenced = true, 0, false
}

// Write writes unless the process is fenced or the connection sealed.
func (c *guardedConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sealed {
		return 0, net.ErrClosed
	}
	if c.armed {
		c.armed = false
		if c.fenced = c.fence() != nil; c.fenced {
			return 0, errFenced
		}
	}
	n, err := c.Conn.Write(b)
	c.written += int64(n)
	return n, err
}

// seal ends the connection after a failed request and reports what became of
// it: how many of its bytes were written, and whether the fence stopped it.
// net/http writes in its own goroutine; after seal nothing more can leave, so
// the answer is final.
func (c *guardedConn) seal() (written int64, fenced bool) {
	_ = c.Close() // It is broken anyway; closing wakes a blocked Write.
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	return c.written, c.fenced
}
