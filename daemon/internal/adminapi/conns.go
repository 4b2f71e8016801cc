package adminapi

import (
	"net"
	"net/netip"
	"sync"
)

// MaxConns is how many connections one source may have open to a listener of the
// admin API.
const MaxConns = 100

// PerSource returns a listener that closes at once what one source address opens
// beyond most connections, so that nobody can take all of them. An IPv6 source is
// its /64: whoever has one address of it has them all.
func PerSource(l net.Listener, most int) net.Listener {
	return &perSource{Listener: l, most: most, open: map[string]int{}}
}

type perSource struct {
	net.Listener

	most int
	mu   sync.Mutex
	open map[string]int
}

// Accept returns the next connection of a source that may have one more.
func (l *perSource) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		source := "unknown"
		if at, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
			source = sourceOf(at.Addr())
		}
		if l.take(source) {
			return &countedConn{Conn: c, done: func() { l.release(source) }}, nil
		}
		_ = c.Close()
	}
}

func (l *perSource) take(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[source] >= l.most {
		return false
	}
	l.open[source]++
	return true
}

func (l *perSource) release(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[source]--; l.open[source] <= 0 {
		delete(l.open, source)
	}
}

type countedConn struct {
	net.Conn

	once sync.Once
	done func()
}

// Close closes the connection and gives its place back, once.
func (c *countedConn) Close() error {
	c.once.Do(c.done)
	return c.Conn.Close()
}

// sourceOf is whom an address belongs to.
func sourceOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
