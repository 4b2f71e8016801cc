package activation_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/activation"
)

// asChild makes the test program play a service that systemd has started.
const asChild = "INBOXD_TEST_ACTIVATED"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		os.Exit(serveOnce()) //nolint:forbidigo // this is its main
	}
	goleak.VerifyTestMain(m)
}

// serveOnce answers one connection per listener with the listener's name.
func serveOnce() int {
	l, err := activation.Inherit(os.Getenv, os.Getpid())
	if err != nil {
		return say(1, err)
	}
	for _, name := range []string{"inboxd-api", "inboxd-admin"} {
		listener := l.Take(name)
		conn, err := listener.Accept()
		if err != nil {
			return say(1, err)
		}
		_, _ = conn.Write([]byte(name + "\n"))
		_ = conn.Close()
	}
	return say(0, l.CloseRest())
}

func say(code int, what any) int {
	_, _ = fmt.Fprintln(os.Stdout, what)
	return code
}

// A client that connected before the process was there is served by it, each
// on the right door: crossed names would put the operators' API on the
// internet.
func TestListenersOfTheServiceManager(t *testing.T) {
	t.Parallel()
	directory, err := os.MkdirTemp("", "a") //nolint:usetesting // t.TempDir is too long for a socket on some systems
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(directory)) })
	admin := listen(t, "unix", filepath.Join(directory, "admin.sock"))
	other := listen(t, "tcp", "127.0.0.1:0")
	api := listen(t, "tcp", "127.0.0.1:0")

	early := map[string]net.Conn{}
	for name, l := range map[string]net.Listener{"inboxd-api": api, "inboxd-admin": admin} {
		early[name], err = net.Dial(l.Addr().Network(), l.Addr().String())
		require.NoError(t, err)
	}

	child := exec.CommandContext(t.Context(), "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	child.Env = append(os.Environ(), asChild+"=1", "LISTEN_FDS=3", "LISTEN_FDNAMES=inboxd-admin:other:inboxd-api")
	for _, l := range []net.Listener{admin, other, api} {
		child.ExtraFiles = append(child.ExtraFiles, file(t, l))
	}
	out, err := child.Output()
	require.NoError(t, err, string(out))
	require.Equal(t, "[other]\n", string(out))
	for name, conn := range early {
		line, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, name+"\n", line)
		require.NoError(t, conn.Close())
	}
	_, err = os.Lstat(admin.Addr().String())
	require.NoError(t, err, "the socket file is the service manager's and stays")
}

func TestWithoutAServiceManager(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"None":             {},
		"OfAnotherProcess": {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := activation.Inherit(func(k string) string { return env[k] }, 2)
			require.NoError(t, err)
			require.Nil(t, l.Take("inboxd-api"))
			require.Empty(t, l.CloseRest())
		})
	}
}

func TestUselessWordsAreAnError(t *testing.T) {
	t.Parallel()
	for _, count := range []string{"", "x", "-1", "1000000"} {
		env := map[string]string{"LISTEN_PID": "7", "LISTEN_FDS": count}
		_, err := activation.Inherit(func(k string) string { return env[k] }, 7)
		require.ErrorContains(t, err, "LISTEN_FDS is "+strconv.Quote(count))
	}
}

// A socket unit of the wrong type (a datagram, a pipe) is named.
func TestWhatIsNoListenerIsNamed(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	l := listen(t, "tcp", "127.0.0.1:0")
	_, err = activation.FromFiles([]*os.File{file(t, l), r})
	require.ErrorContains(t, err, "of the service manager")
	_, err = r.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrClosed)
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func file(t *testing.T, l net.Listener) *os.File {
	t.Helper()
	f, err := l.(interface {
		File() (*os.File, error)
	}).File()
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}
