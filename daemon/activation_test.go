package daemon_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// restartTime is how long the load of TestRestartRefusesNobody lasts.
func restartTime(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("INBOXD_RESTART_SECONDS"); text != "" {
		seconds, err := strconv.Atoi(text)
		require.NoError(t, err)
		return time.Duration(seconds) * time.Second
	}
	return 4 * time.Second
}

// A deployment must not be something that customers' back ends notice. The
// service manager keeps the socket open while the api restarts: whoever calls
// in between waits a moment. Of 200 new connections a second none is refused,
// none is broken off, and every call is answered.
func TestRestartRefusesNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	url := "http://" + socket.Addr().String()

	api := h.spawnActivated(socket)
	l := &load{url: url + "/livez"}
	l.waitReady(t)
	ctx, cancel := context.WithTimeout(t.Context(), restartTime(t))
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); l.run(ctx) }()

	restarts := 0
	for ctx.Err() == nil {
		require.NoError(t, api.Process.Signal(syscall.SIGTERM))
		require.NoError(t, api.Wait(), "an ordinary stop")
		before := l.answered.Load() // all later ones are the next process's
		api = h.spawnActivated(socket)
		restarts++
		require.Eventually(t, func() bool { return l.answered.Load() > before+100 || ctx.Err() != nil }, patience, 10*time.Millisecond)
	}
	<-done
	t.Logf("%d calls at 200/s through %d restarts: %d answered, %d refused, %d failed otherwise; slowest %s",
		l.sent.Load(), restarts, l.answered.Load(), l.refused.Load(), l.failed.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond))
	require.Positive(t, restarts)
	require.Zero(t, l.refused.Load())
	require.Zero(t, l.failed.Load(), l.why.Load())
	require.Equal(t, l.sent.Load(), l.answered.Load())
}

// spawnActivated starts an api that serves the listener, as systemd would.
func (h *house) spawnActivated(l net.Listener) *exec.Cmd {
	h.t.Helper()
	f, err := l.(*net.TCPListener).File()
	require.NoError(h.t, err)
	defer func() { _ = f.Close() }()
	exe, err := os.Executable()
	require.NoError(h.t, err)
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, exe)
	cmd.Env = append(h.environ("api"), serveEnv+"=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=api")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stderr = h.logs
	require.NoError(h.t, cmd.Start())
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// load calls a URL 200 times a second, each time on a new connection.
type load struct {
	url                             string
	sent, answered, refused, failed atomic.Int64
	slowest                         atomic.Int64
	why                             atomic.Value
}

func (l *load) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
}

func (l *load) waitReady(t *testing.T) {
	t.Helper()
	require.NoError(t, l.call(t.Context(), l.client()))
}

func (l *load) run(ctx context.Context) {
	client := l.client()
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	var calls sync.WaitGroup
	defer calls.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		l.sent.Add(1)
		calls.Go(func() { l.count(l.call(context.WithoutCancel(ctx), client)) })
	}
}

func (l *load) count(err error) {
	switch {
	case err == nil:
		l.answered.Add(1)
	case errors.Is(err, syscall.ECONNREFUSED):
		l.refused.Add(1)
	default:
		l.failed.Add(1)
		l.why.Store(err.Error())
	}
}

func (l *load) call(ctx context.Context, client *http.Client) error {
	begin := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	for took := time.Since(begin).Nanoseconds(); ; {
		slowest := l.slowest.Load()
		if took <= slowest || l.slowest.CompareAndSwap(slowest, took) {
			return nil
		}
	}
}
