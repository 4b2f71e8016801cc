package tui

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/admin"
)

// childEnv makes this test binary run the live view against the server it
// names, so that it can be driven in a real terminal. It writes its process id
// to the file that childPIDEnv names.
const (
	childEnv    = "INBOXD_TUI_CHILD"
	childPIDEnv = "INBOXD_TUI_CHILD_PID"
	childPanic  = "panic"
	// childFault has a command panic, which runs beside the model.
	childFault = "fault"
)

func TestMain(m *testing.M) {
	if server := os.Getenv(childEnv); server != "" {
		os.Exit(child(server)) //nolint:forbidigo // This is the main of the child.
	}
	goleak.VerifyTestMain(m)
}

func child(server string) int {
	if err := os.WriteFile(os.Getenv(childPIDEnv), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return 3
	}
	o := Options{Interval: 500 * time.Millisecond, Target: server, Version: "v0.3.1", NoColor: true}
	switch server {
	case childFault:
		calls := &atomic.Int64{}
		o.Source = topFunc{fakeSource: &fakeSource{}, top: func(context.Context) (admin.One[admin.Top], error) {
			if calls.Add(1) > 2 {
				panic("the answer fell off the wire")
			}
			return busy(), nil
		}}
	case childPanic:
		var calls atomic.Int64
		o.Source = &fakeSource{answer: busy()}
		o.Now = func() time.Time {
			if calls.Add(1) > 4 {
				panic("the clock fell off the wall")
			}
			return time.Now()
		}
	default:
		client, err := admin.NewClient(admin.Options{Server: server, Version: "v0.3.1"})
		if err != nil {
			return 2
		}
		o.Source, o.Changer = client, client
	}
	if err := Run(context.Background(), o); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return 0
}

// terminal is a tmux server of its own with one window.
type terminal struct {
	t      *testing.T
	socket string
}

func (term terminal) pidFile() string { return term.socket + ".pid" }

func requireTmux(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed: .ci/setup.sh test installs it")
	}
}

// startTerminal runs a command in a window and keeps the shell that follows it,
// which says how the command ended and how the terminal is. Suspended, it goes on
// at Enter.
func startTerminal(t *testing.T, childArgument string, redirections ...string) terminal {
	t.Helper()
	requireTmux(t)
	self, err := os.Executable()
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "top") //nolint:usetesting // A socket's path must be short.
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })

	term := terminal{t, filepath.Join(dir, "s")}
	script := "set -m; " + childPIDEnv + "='" + term.pidFile() + "' " + childEnv + "='" + childArgument + "' '" + self + "' " + strings.Join(redirections, " ") + "; code=$?; while [ $code -eq 148 ]; do echo STOPPED; read x; fg >/dev/null; code=$?; done; echo ENDED $code; stty -a | tr ' ;' '\\n\\n' | grep -x -- '-\\?echo'; exec sleep 600"
	term.tmux("new-session", "-d", "-x", "80", "-y", "24", "sh -c \""+strings.NewReplacer(`\`, `\\`, `$`, `\$`).Replace(script)+"\"")
	t.Cleanup(func() { _ = term.command(context.Background(), "kill-server").Run() })
	return term
}

func (term terminal) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", term.socket, "-f", "/dev/null"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	return cmd
}

func (term terminal) tmux(args ...string) string {
	term.t.Helper()
	out, err := term.command(term.t.Context(), args...).CombinedOutput()
	require.NoError(term.t, err, "tmux %v: %s", args, out)
	return string(out)
}

// await waits until the window shows what ok wants, and returns it.
func (term terminal) await(what string, ok func(window string) bool) string {
	term.t.Helper()
	window := ""
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		if window = term.tmux("capture-pane", "-p"); ok(window) {
			tick.Stop()
			return window
		}
		require.True(term.t, time.Now().Before(deadline), "never saw %s; the window is\n%s", what, window)
	}
}

func (term terminal) awaitText(text string) string {
	term.t.Helper()
	return term.await(text, func(window string) bool { return strings.Contains(window, text) })
}

// serve answers like an admin server until the test, or the caller, stops it.
func serve(t *testing.T, address string) (url string, stop func()) {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != admin.TopPath {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(busy())
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	stop = func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
		done <- http.ErrServerClosed
	}
	t.Cleanup(stop)
	return "http://" + listener.Addr().String(), stop
}

// One evening of an engineer on call: it shows, it moves, the server dies and
// comes back, the window grows, and the shell is as it was.
func TestInARealTerminal(t *testing.T) {
	t.Parallel()

	url, stop := serve(t, "127.0.0.1:0")
	term := startTerminal(t, url)
	require.Contains(t, term.awaitText("14.9k"), "PROD-EU")
	term.tmux("send-keys", "2")
	term.awaitText("[2Queue]")
	term.tmux("send-keys", "j")
	term.awaitText("▌instagram")

	stop()
	window := term.awaitText("nothing listens")
	require.Contains(t, window, "14.9k", "the last data stays")
	serve(t, strings.TrimPrefix(url, "http://"))
	term.await("the screen live again", func(window string) bool {
		return strings.Contains(window, "● live") && !strings.Contains(window, "nothing listens")
	})

	term.tmux("resize-window", "-x", "160", "-y", "48")
	term.awaitText("DRAINS")
	term.tmux("resize-window", "-x", "40", "-y", "10")
	term.await("a small screen", func(window string) bool {
		return strings.Contains(window, "▌instagram") && !strings.Contains(window, "UNCERT")
	})

	term.tmux("resize-window", "-x", "80", "-y", "24")
	term.tmux("send-keys", "q")
	term.awaitText("[1Over]")
	term.tmux("send-keys", "q")
	window = term.awaitText("echo")
	require.Contains(t, window, "ENDED 0")
	require.NotContains(t, window, "whatsapp", "the screen from before is back")
	require.NotContains(t, window, "-echo", "the shell echoes what is typed")
}

// A fault of ours must not cost the operator their terminal.
func TestPanicGivesTheTerminalBack(t *testing.T) {
	t.Parallel()

	for child, what := range map[string]string{childPanic: "the clock fell off the wall", childFault: "the answer fell off the wire"} {
		t.Run(child, func(t *testing.T) {
			t.Parallel()
			term := startTerminal(t, child)
			term.tmux("resize-window", "-x", "240", "-y", "60")
			window := term.awaitText("\necho")
			require.Contains(t, window, "ENDED 1")
			require.Contains(t, window, "a fault in this program: "+what+"; please report it with ")
			require.NotContains(t, window, "-echo")
			_, rest, _ := strings.Cut(window, "please report it with ")
			name, _, _ := strings.Cut(rest, ",")
			log, err := os.ReadFile(name)
			require.NoError(t, err)
			require.Contains(t, string(log), "tmux_test.go", "it says where")
			require.NoError(t, os.Remove(name))
		})
	}
}

// A supervisor that ends the session, or a line that drops, must not leave the
// terminal raw.
func TestSignalsGiveTheTerminalBack(t *testing.T) {
	t.Parallel()

	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			url, _ := serve(t, "127.0.0.1:0")
			term := startTerminal(t, url)
			term.awaitText("14.9k")
			require.NoError(t, syscall.Kill(term.pid(), signal))
			window := term.awaitText("echo")
			require.Contains(t, window, "ENDED ")
			require.Contains(t, window, "inboxctl top PROD-EU: ", "the last line says why")
			require.NotContains(t, window, "-echo")
		})
	}
}

// pid is the process in the window.
func (term terminal) pid() int {
	term.t.Helper()
	raw, err := os.ReadFile(term.pidFile())
	require.NoError(term.t, err)
	pid, err := strconv.Atoi(string(raw))
	require.NoError(term.t, err)
	return pid
}

// Suspended, the shell has its terminal; resumed, the view has its own, and asks
// at once. Its window has a name as long as it runs.
func TestSuspendAndResume(t *testing.T) {
	t.Parallel()

	url, _ := serve(t, "127.0.0.1:0")
	term := startTerminal(t, url)
	title := func() string { return strings.TrimSpace(term.tmux("display-message", "-p", "#{pane_title}")) }
	term.awaitText("14.9k")
	term.await("its name", func(string) bool { return title() == "PROD-EU inboxctl top 1 crit" })
	term.tmux("send-keys", "C-z")
	term.awaitText("STOPPED")
	term.tmux("send-keys", "Enter")
	term.await("the view again", func(window string) bool {
		return strings.Contains(window, "● live") && !strings.Contains(window, "STOPPED")
	})
	term.tmux("send-keys", "q")
	require.Contains(t, term.awaitText("echo"), "left with q")
	term.await("the name from before", func(string) bool { return title() != "PROD-EU inboxctl top 1 crit" })
}

// Keys come from the terminal even if the standard input is something else, as in
// `... | xargs inboxctl top`.
func TestKeysComeFromTheTerminal(t *testing.T) {
	t.Parallel()

	url, _ := serve(t, "127.0.0.1:0")
	term := startTerminal(t, url, "</dev/null")
	term.awaitText("14.9k")
	term.tmux("send-keys", "2")
	term.awaitText("[2Queue]")
	term.tmux("send-keys", "C-c")
	term.awaitText("ENDED 0")
}
