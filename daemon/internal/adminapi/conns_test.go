package adminapi_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
)

// Somebody who opens connections and never says what they want must not be in the
// way of the engineer on call, who has the socket, or a connection already.
func TestHalfOpenConnectionsDelayNobody(t *testing.T) {
	t.Parallel()
	h := newHandler(t, newFake())
	socket := onSocket(t, h)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := adminapi.NewServer(h, slog.New(slog.DiscardHandler))
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(adminapi.PerSource(l, adminapi.MaxConns)) }()
	t.Cleanup(func() { _ = s.Close(); <-served })

	early := as(t, "http://"+l.Addr().String(), "viewer") // keeps its connection
	require.NoError(t, second(early.Version(t.Context())))
	open := slowHeaders(t, l.Addr().String(), 500)
	for name, client := range map[string]*admin.Client{"socket": as(t, socket, ""), "tcp": early} {
		p50, p99 := percentiles(t, func() { require.NoError(t, second(client.Version(t.Context()))) })
		t.Logf("%s: P50 %s, P99 %s beside 500 half-open connections", name, p50, p99)
		require.Less(t, p99, 2*time.Second, "100 ms on a machine of its own")
	}
	require.Less(t, alive(open), adminapi.MaxConns+1, "the rest was closed at once")
}

// slowHeaders opens n connections that begin a request and never end it.
func slowHeaders(t *testing.T, address string, n int) []net.Conn {
	t.Helper()
	var open []net.Conn
	t.Cleanup(func() {
		for _, c := range open {
			_ = c.Close()
		}
	})
	for range n {
		c, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		open = append(open, c)
		_, _ = fmt.Fprint(c, "GET /admin/v1/version HTTP/1.1\r\nHost: localhost\r\nX-Slow: ") // the server may have closed it
	}
	return open
}

// percentiles calls f 300 times.
func percentiles(t *testing.T, f func()) (p50, p99 time.Duration) {
	t.Helper()
	took := make([]time.Duration, 300)
	for i := range took {
		begin := time.Now()
		f()
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100]
}

// alive counts the connections that the other end has not closed.
func alive(conns []net.Conn) (n int) {
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		_, err := c.Read(make([]byte, 1))
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // as it comes from Read
			n++
		}
	}
	return n
}

// A connection that ends gives its place back.
func TestPlacesAreGivenBack(t *testing.T) {
	t.Parallel()
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = inner.Close() }()
	l := adminapi.PerSource(inner, 2)
	accepted := make(chan net.Conn, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", inner.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	dial()
	dial()
	first, second := <-accepted, <-accepted
	refused := dial()
	_, err = refused.Read(make([]byte, 1))
	require.Error(t, err)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, first.Close())
	_ = first.Close() // a second time counts once
	third := dial()
	server := <-accepted
	_, err = io.WriteString(server, "x")
	require.NoError(t, err)
	_, err = third.Read(make([]byte, 1))
	require.NoError(t, err)
	refused = dial()
	_, err = refused.Read(make([]byte, 1))
	require.Error(t, err)
	for _, c := range []net.Conn{second, server} {
		require.NoError(t, c.Close())
	}
	require.NoError(t, inner.Close())
	<-done
}

// What opens a connection for something else than a request has no business here.
func TestUpgradesAreRefused(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	status, _ := do(t, server, http.MethodGet, admin.VersionPath, "admin", "", http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}})
	require.Equal(t, http.StatusForbidden, status)
}
