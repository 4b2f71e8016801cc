package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const pieceSize = 64 << 10

// link is one client connection and its connection to the server.
type link struct {
	proxy  *Proxy
	client net.Conn
	closed chan struct{}

	mu     sync.Mutex
	server net.Conn // nil until dialled
	down   bool

	dropping atomic.Pointer[drop] // the next reply is lost
}

func (l *link) serve() {
	defer l.proxy.remove(l)
	defer l.reset()
	if !l.await() || !l.dial() {
		return
	}
	var up sync.WaitGroup
	up.Go(func() { l.pump(l.server, l.client, l.watchRequest) })
	l.pump(l.client, l.server, l.loseReply)
	up.Wait()
}

// dial connects to the server, unless the link is down already.
func (l *link) dial() bool {
	var dialer net.Dialer
	server, err := dialer.DialContext(l.proxy.ctx, "tcp", l.proxy.target)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		_ = server.Close()
		return false
	}
	l.server = server
	return true
}

// pump moves bytes from src to dst until one of them ends. inspect sees every
// piece before it is written and stops the pump by answering false.
func (l *link) pump(dst, src net.Conn, inspect func([]byte) bool) {
	buffer := make([]byte, pieceSize)
	for {
		n, err := src.Read(buffer)
		if n > 0 {
			if !l.await() || !inspect(buffer[:n]) {
				break
			}
			if _, err := dst.Write(buffer[:n]); err != nil {
				break
			}
		}
		if errors.Is(err, io.EOF) && l.await() {
			if half, ok := dst.(*net.TCPConn); ok {
				_ = half.CloseWrite() // the other direction may have more to say
			}
			return
		}
		if err != nil {
			break
		}
	}
	l.reset()
}

// await returns when the mode lets the next piece go; false: the link is down.
func (l *link) await() bool {
	began := time.Now()
	for {
		now := l.proxy.current()
		var due <-chan time.Time
		if now.mode != hold {
			left := now.delay - time.Since(began)
			if left <= 0 {
				return !l.isDown()
			}
			timer := time.NewTimer(left)
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-due:
		case <-now.changed:
		case <-l.closed:
			return false
		}
	}
}

func (l *link) watchRequest(piece []byte) bool {
	if d := l.proxy.takeDrop(piece); d != nil {
		l.dropping.Store(d)
	}
	return true
}

func (l *link) loseReply([]byte) bool {
	d := l.dropping.Swap(nil)
	if d == nil {
		return true
	}
	l.reset()
	close(d.done)
	return false
}

func (l *link) isDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

// reset closes both connections at once, without the goodbye of an orderly
// close, so that the peer sees a reset. It may be called again.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return
	}
	l.down = true
	close(l.closed)
	for _, conn := range []net.Conn{l.client, l.server} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it fails only on a connection that is closed already
			_ = tcp.Close()
		}
	}
}
