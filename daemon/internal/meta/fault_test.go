package meta_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta"
)

// listen serves raw connections until the test ends and returns the base URL.
func listen(t *testing.T, scheme string, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close() //nolint:errcheck // Already broken by the test.
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return scheme + "://" + listener.Addr().String()
}

// readRequest reads one whole request and returns it; nil at the end.
func readRequest(r *bufio.Reader) *http.Request {
	request, err := http.ReadRequest(r)
	if err != nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, request.Body); err != nil {
		return nil
	}
	return request
}

func reply(conn net.Conn, raw string) {
	_, _ = io.WriteString(conn, strings.ReplaceAll(raw, "\n", "\r\n"))
}

// What a fault on the way does to a message: taken for "not sent" it is sent
// twice, taken for "perhaps sent" an operator has to look at it.
func TestFaultsOnTheWay(t *testing.T) {
	t.Parallel()
	type fault struct {
		scheme  string
		handle  func(net.Conn) // called once the request, if any, has been read
		early   bool           // do not read a request first
		verdict job.Verdict
		class   job.Class
	}
	hold := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	cases := map[string]fault{
		"HandshakeHangs": {scheme: "https", early: true, handle: hold, verdict: job.Retry, class: job.ClassNotSent},
		"HandshakeRefused": {
			scheme: "https", early: true, handle: func(conn net.Conn) { reply(conn, "HTTP/1.1 400 plain\n\n") },
			verdict: job.Retry, class: job.ClassNotSent,
		},
		"NoAnswer":         {handle: hold, verdict: job.Doubt, class: job.ClassAmbiguous},
		"ClosedAfterRead":  {handle: func(net.Conn) {}, verdict: job.Doubt, class: job.ClassAmbiguous},
		"ResetAfterRead":   {handle: reset, verdict: job.Doubt, class: job.ClassAmbiguous},
		"HeaderCut":        {handle: func(c net.Conn) { reply(c, "HTTP/1.1 200 OK\nContent-") }, verdict: job.Doubt, class: job.ClassAmbiguous},
		"BodyCut":          {handle: func(c net.Conn) { reply(c, "HTTP/1.1 200 OK\nContent-Length: 900\n\n{\"messages\":[") }, verdict: job.Doubt, class: job.ClassAmbiguous},
		"BodyHangs":        {handle: func(c net.Conn) { reply(c, "HTTP/1.1 200 OK\nContent-Length: 900\n\n{"); hold(c) }, verdict: job.Doubt, class: job.ClassAmbiguous},
		"NoHTTP":           {handle: func(c net.Conn) { reply(c, "SSH-2.0-OpenSSH\n") }, verdict: job.Doubt, class: job.ClassAmbiguous},
		"GatewayHTML":      {handle: func(c net.Conn) { reply(c, "HTTP/1.1 502 Bad\nContent-Length: 6\n\n<html>") }, verdict: job.Doubt, class: job.ClassAmbiguous},
		"UnavailableEmpty": {handle: func(c net.Conn) { reply(c, "HTTP/1.1 503 Busy\nContent-Length: 0\n\n") }, verdict: job.Retry, class: job.ClassTransient},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			scheme := c.scheme
			if scheme == "" {
				scheme = "http"
			}
			base := listen(t, scheme, func(conn net.Conn) {
				if !c.early {
					if readRequest(bufio.NewReader(conn)) == nil {
						return
					}
					requests.Add(1)
				}
				c.handle(conn)
			})
			client := newClient(t, base)
			client.SetTotal(500 * time.Millisecond)
			result := client.Send(t.Context(), whatsAppText(), callback)
			require.Equal(t, c.verdict, result.Verdict, "%+v", result)
			require.Equal(t, c.class, result.Class)
			require.NotEmpty(t, result.Detail)
			require.Nil(t, result.Message)
			if !c.early {
				require.EqualValues(t, 1, requests.Load(), "a POST must not be repeated by the transport")
			}
		})
	}
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	result := newClient(t, "http://"+listener.Addr().String()).Send(t.Context(), whatsAppText(), callback)
	require.Equal(t, job.Retry, result.Verdict)
	require.Equal(t, job.ClassNotSent, result.Class)
	require.Contains(t, result.Detail, "refused")
}

func TestNameDoesNotResolve(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "graph.facebook.com", IsNotFound: true}}
	}}
	client := newClient(t, "https://graph.facebook.com", func(o *meta.Options) { o.HTTP = &http.Client{Transport: transport} })
	result := client.Send(t.Context(), whatsAppText(), callback)
	require.Equal(t, job.ClassNotSent, result.Class)
	require.Equal(t, job.Retry, result.Verdict)
}

// A kept-alive connection that the server closes just as we use it is where
// net/http repeats requests on its own. Ours must arrive exactly once.
func TestReusedConnectionClosedAfterRead(t *testing.T) {
	t.Parallel()
	var requests, connections atomic.Int32
	base := listen(t, "http", func(conn net.Conn) {
		connections.Add(1)
		reader := bufio.NewReader(conn)
		for readRequest(reader) != nil {
			if requests.Add(1) == 2 {
				return
			}
			reply(conn, "HTTP/1.1 200 OK\nContent-Length: 73\n\n"+whatsOK+strings.Repeat(" ", 73-len(whatsOK)))
		}
	})
	client := newClient(t, base)
	require.Equal(t, job.Succeed, client.Send(t.Context(), whatsAppText(), "1.1").Verdict)
	result := client.Send(t.Context(), whatsAppText(), "2.1")
	require.Equal(t, job.Doubt, result.Verdict)
	require.EqualValues(t, 2, requests.Load())
	require.EqualValues(t, 1, connections.Load())
	require.Equal(t, job.Succeed, client.Send(t.Context(), whatsAppText(), "3.1").Verdict, "the next send uses a new connection")
}

// brokenConn refuses every write after the first request, as a connection does
// that the kernel already knows to be dead.
type brokenConn struct {
	net.Conn
	writes atomic.Int32
}

func (c *brokenConn) Write(b []byte) (int, error) {
	if c.writes.Add(1) > 1 {
		return 0, errors.New("broken pipe")
	}
	return c.Conn.Write(b)
}

// A dead kept-alive connection is everyday life; as nothing was written, it
// must cost neither an attempt nor an operator's time.
func TestDeadIdleConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, whatsOK)
	})
	allowed := func() error { return nil }
	client := newClient(t, base, func(o *meta.Options) {
		o.HTTP = &http.Client{Transport: meta.WrappedTransport(allowed, func(conn net.Conn) net.Conn { return &brokenConn{Conn: conn} })}
	})
	for range 3 {
		require.Equal(t, job.Succeed, client.Send(t.Context(), whatsAppText(), callback).Verdict)
	}
	require.EqualValues(t, 3, requests.Load())
}

// partialConn breaks in the middle of a request.
type partialConn struct{ net.Conn }

func (c partialConn) Write(b []byte) (int, error) {
	n, _ := c.Conn.Write(b[:len(b)/2])
	return n, errors.New("broken pipe")
}

func TestHalfARequestIsADoubt(t *testing.T) {
	t.Parallel()
	base := serve(t, func(http.ResponseWriter, *http.Request) {})
	allowed := func() error { return nil }
	client := newClient(t, base, func(o *meta.Options) {
		o.HTTP = &http.Client{Transport: meta.WrappedTransport(allowed, func(conn net.Conn) net.Conn { return partialConn{conn} })}
	})
	require.Equal(t, job.Doubt, client.Send(t.Context(), whatsAppText(), callback).Verdict)
}

// A worker that has lost its claim must not send: another one may be sending
// the same message.
func TestFence(t *testing.T) {
	t.Parallel()
	for name, allowed := range map[string]int32{"BeforeDialling": 0, "BeforeTheFirstByte": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, requests atomic.Int32
			base := serve(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
			client := newClient(t, base, func(o *meta.Options) {
				o.Fence = func() error {
					if asked.Add(1) > allowed {
						return errors.New("heartbeat is late")
					}
					return nil
				}
			})
			result := client.Send(t.Context(), whatsAppText(), callback)
			require.Equal(t, job.Release, result.Verdict, "%+v", result)
			require.Zero(t, requests.Load())
			require.Equal(t, allowed+1, asked.Load())
		})
	}
}

// A drain that comes before the request is on its way gives the job back; one
// that comes after leaves a doubt.
func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	base := listen(t, "http", func(conn net.Conn) {
		if readRequest(bufio.NewReader(conn)) != nil {
			cancel()
			_, _ = io.Copy(io.Discard, conn)
		}
	})
	client := newClient(t, base)
	require.Equal(t, job.Doubt, client.Send(ctx, whatsAppText(), callback).Verdict)
	require.Equal(t, job.Release, client.Send(ctx, whatsAppText(), callback).Verdict)
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	result := client.Send(late, whatsAppText(), callback)
	require.Equal(t, job.Retry, result.Verdict)
	require.Equal(t, job.ClassNotSent, result.Class)
}

// A redirect must not carry the token to another host.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, status) })
		result := newClient(t, base).Send(t.Context(), whatsAppText(), callback)
		require.Equal(t, job.Retry, result.Verdict)
		require.Equal(t, job.ClassUnknown, result.Class)
	}
}

func TestAnswerIsBounded(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.1"}],"x":"`)
		for range 64 {
			_, _ = io.WriteString(w, strings.Repeat("x", 64<<10))
		}
		_, _ = io.WriteString(w, `"}`)
	})
	require.Equal(t, job.Doubt, newClient(t, base).Send(t.Context(), whatsAppText(), callback).Verdict)
}

func TestSendOverTLS(t *testing.T) {
	t.Parallel()
	var proto atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto.Store(r.Proto)
		_, _ = io.WriteString(w, whatsOK)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	var asked atomic.Int32
	fence := func() error { asked.Add(1); return nil }
	client := newClient(t, server.URL, func(o *meta.Options) {
		o.HTTP = &http.Client{Transport: meta.TLSTransport(fence, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})}
	})
	require.Equal(t, job.Succeed, client.Send(t.Context(), whatsAppText(), callback).Verdict)
	require.Equal(t, "HTTP/1.1", proto.Load())
	require.EqualValues(t, 1, asked.Load(), "the fence stands behind TLS, before the request")
}

func TestUnknownAuthorityIsNotSent(t *testing.T) {
	t.Parallel()
	base := listen(t, "https", func(conn net.Conn) {
		server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, MinVersion: tls.VersionTLS12})
		_ = server.HandshakeContext(t.Context())
	})
	result := newClient(t, base).Send(t.Context(), whatsAppText(), callback)
	require.Equal(t, job.ClassNotSent, result.Class)
	require.Contains(t, result.Detail, "certificate")
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates[0]
}
