package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/devstack/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is a server that echoes lines, the proxy before it, and how many
// lines the server has seen.
type bundle struct {
	proxy *proxy.Proxy
	seen  *atomic.Int32
}

func setup(t *testing.T) bundle {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	seen := new(atomic.Int32)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { echo(conn, seen) })
		}
	})
	p, err := proxy.New(listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, p.Close())
		require.NoError(t, p.Close(), "closing twice is harmless")
		require.NoError(t, listener.Close())
		running.Wait()
	})
	return bundle{p, seen}
}

func echo(conn net.Conn, seen *atomic.Int32) {
	defer func() { _ = conn.Close() }()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		seen.Add(1)
		if _, err := fmt.Fprintln(conn, lines.Text()); err != nil {
			return
		}
	}
}

func (b bundle) dial(t *testing.T) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", b.proxy.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask sends a line and returns the answer within patience.
func ask(conn net.Conn, line string, patience time.Duration) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// tryFresh asks on a new connection. A reset may come as early as the
// handshake.
func tryFresh(t *testing.T, p *proxy.Proxy) error {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = ask(conn, "anybody", long)
	return err
}

const long = 10 * time.Second

func TestPass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, err := ask(b.dial(t), "hello", long)
	require.NoError(t, err)
	require.Equal(t, "hello\n", got)
}

// TestHalfClose guards clients that close their sending side and then read.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn := b.dial(t)
	_, err := fmt.Fprintln(conn, "last")
	require.NoError(t, err)
	tcp, ok := conn.(*net.TCPConn)
	require.True(t, ok)
	require.NoError(t, tcp.CloseWrite())
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "last\n", string(got))
}

func TestCutResetsOldAndNewConnections(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.dial(t)
	_, err := ask(old, "before", long)
	require.NoError(t, err)
	b.proxy.Cut()
	_, err = ask(old, "after", long)
	require.Error(t, err)
	require.Error(t, tryFresh(t, b.proxy))
	require.EqualValues(t, 1, b.seen.Load(), "the server saw bytes of a cut connection")
	b.proxy.Pass()
	got, err := ask(b.dial(t), "again", long)
	require.NoError(t, err)
	require.Equal(t, "again\n", got)
}

func TestBlackHoleSwallowsAndThenDelivers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn := b.dial(t)
	_, err := ask(conn, "before", long)
	require.NoError(t, err)
	b.proxy.BlackHole()
	_, err = ask(conn, "held", 50*time.Millisecond)
	require.ErrorContains(t, err, "timeout")
	require.EqualValues(t, 1, b.seen.Load())
	b.proxy.Pass()
	require.NoError(t, conn.SetDeadline(time.Now().Add(long)))
	got, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", got)
}

// TestDropReply is the fault that decides whether a message is sent twice: the
// server has done the work and the client does not know.
func TestDropReply(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn := b.dial(t)
	dropped := b.proxy.DropReply(func(request []byte) bool { return bytes.Contains(request, []byte("pay")) })
	got, err := ask(conn, "look", long)
	require.NoError(t, err)
	require.Equal(t, "look\n", got, "another request lost its reply")
	_, err = ask(conn, "pay", long)
	require.Error(t, err)
	<-dropped
	require.EqualValues(t, 2, b.seen.Load(), "the server never got the request")
	_, err = ask(b.dial(t), "pay", long)
	require.NoError(t, err, "the fault happens once")
}

func TestDelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const delay = 60 * time.Millisecond
	b.proxy.Delay(delay)
	conn := b.dial(t)
	began := time.Now()
	_, err := ask(conn, "slow", long)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 2*delay, "once there, once back")
}

func TestCloseEndsHeldConnections(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.proxy.BlackHole()
	conn := b.dial(t)
	_, err := fmt.Fprintln(conn, "held")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return b.proxy.Connections() == 1 }, long, time.Millisecond)
	require.NoError(t, b.proxy.Close())
	require.Zero(t, b.proxy.Connections())
}

func TestNoServerBehindIt(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	p, err := proxy.New(listener.Addr().String())
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	require.Error(t, tryFresh(t, p))
}
