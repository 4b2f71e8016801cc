package meta

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// wire watches how far one request gets.
type wire struct {
	asked   atomic.Bool // the transport was asked for a connection
	headers atomic.Bool // the headers were handed to it
	reused  atomic.Bool
	conn    atomic.Pointer[guardedConn]
}

func (w *wire) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { w.asked.Store(true) },
		GotConn:      w.gotConn,
		WroteHeaders: func() { w.headers.Store(true) },
	})
}

func (w *wire) gotConn(info httptrace.GotConnInfo) {
	w.reused.Store(info.Reused)
	if conn, ok := info.Conn.(*guardedConn); ok {
		conn.arm()
		w.conn.Store(conn)
	}
}

// ending reports, after a failure, whether a byte of the request may be on its
// way, and whether the fence held it back. It is exact on our own connections.
// On others, headers handed over count as written; and a transport that tells
// nothing is not trusted.
func (w *wire) ending() (left, fenced bool) {
	if conn := w.conn.Load(); conn != nil {
		written, fenced := conn.seal()
		return written > 0, fenced
	}
	return w.headers.Load() || !w.asked.Load(), false
}
