package meta

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// SetTotal shortens the time one send may take.
func (c *Client) SetTotal(d time.Duration) { c.total = d }

// TLSTransport is the transport of real sends with other trusted authorities.
func TLSTransport(fence func() error, base *tls.Config) *http.Transport {
	return newTransport(fence, base)
}

// WrappedTransport is the transport of real sends over connections the test
// has its hands in.
func WrappedTransport(fence func() error, wrap func(net.Conn) net.Conn) *http.Transport {
	transport := newTransport(fence, nil)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if guarded, ok := conn.(*guardedConn); ok {
			guarded.Conn = wrap(guarded.Conn)
		}
		return conn, err
	}
	return transport
}
