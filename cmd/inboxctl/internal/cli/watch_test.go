package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/cmd/inboxctl/internal/cli"
)

// reader is somebody who looks at the answer and leaves after some writes.
type reader struct {
	mu     sync.Mutex
	writes []string
	until  int
	leave  func()
	broken bool // the pipe, from then on
}

func (r *reader) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, string(p))
	if len(r.writes) < r.until {
		return len(p), nil
	}
	if r.leave != nil {
		r.leave()
	}
	if r.broken {
		return 0, syscall.EPIPE
	}
	return len(p), nil
}

func (s *session) watch(ctx context.Context, out io.Writer, errOut io.Writer, args ...string) int {
	return cli.Run(ctx, cli.Env{
		In: strings.NewReader(""), Out: out, Err: errOut,
		Getenv: func(name string) string { return s.env[name] }, Now: at,
		Size:  func() (int, int, bool) { return s.columns, 12, s.columns > 0 },
		Build: cli.Build{Version: "v1.0.0"},
	}, args)
}

// Without a terminal a watch is a stream: blocks for people, lines for programs,
// until somebody ends it, which is no failure.
func TestWatchStreams(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	for _, args := range [][]string{{"orgs", "list", "-o", "jsonl"}, {"orgs", "show", "acme"}, {"status"}} {
		once := s.run(t.Context(), args...)
		ctx, cancel := context.WithCancel(t.Context())
		r := &reader{until: 3, leave: cancel}
		require.Equal(t, 0, s.watch(ctx, r, io.Discard, append(args, "--watch=100ms")...))
		require.Len(t, r.writes, 3)
		for _, w := range r.writes {
			require.Equal(t, once.out, s.hide(w))
			require.NotContains(t, w, "\x1b")
		}
	}
}

// A closed pipe ends a watch quietly, as it ends everything else.
func TestWatchEndsWithItsReader(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	var stderr bytes.Buffer
	r := &reader{until: 2, broken: true}
	require.Equal(t, 0, s.watch(t.Context(), r, &stderr, "orgs", "list", "--watch=100ms"))
	require.Empty(t, stderr.String())
}

// On a terminal each block is one write over the last one, within its size, and
// the terminal is given back with the last block on it.
func TestWatchDraws(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	s.columns = 40
	ctx, cancel := context.WithCancel(t.Context())
	r := &reader{until: 3, leave: cancel}
	require.Equal(t, 0, s.watch(ctx, r, io.Discard, "queues", "list", "--watch=100ms"))
	require.Len(t, r.writes, 4, "three blocks and the way back")
	require.True(t, strings.HasPrefix(r.writes[0], "\x1b[?1049h\x1b[?25l\x1b[H"))
	for _, w := range r.writes[:3] {
		require.NotContains(t, w, "\x1b[2J", "nothing is ever blank")
		require.Equal(t, 4, strings.Count(w, "\x1b[K"), "each line is erased to its end")
	}
	require.True(t, strings.HasPrefix(r.writes[3], "\x1b[?25h\x1b[?1049lQUEUE"))
	require.LessOrEqual(t, strings.Count(r.writes[1], "\n"), 12)
}

// A terminal that does not know its size, such as a serial console, must still
// show something.
func TestWatchWithoutASize(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	ctx, cancel := context.WithCancel(t.Context())
	r := &reader{until: 2, leave: cancel}
	require.Equal(t, 0, cli.Run(ctx, cli.Env{
		In: strings.NewReader(""), Out: r, Err: io.Discard, Getenv: func(name string) string { return s.env[name] }, Now: at,
		Size: func() (int, int, bool) { return 0, 0, true }, Build: cli.Build{Version: "v1.0.0"},
	}, []string{"orgs", "list", "--watch=100ms"}))
	require.Contains(t, r.writes[0], "acme")
}

// A server that goes away is said, over the last answer, and the watch goes on:
// whoever looks at 3 a.m. must not have to start it again.
func TestWatchOutlivesTheServer(t *testing.T) {
	t.Parallel()
	for name, columns := range map[string]int{"Terminal": 80, "Pipe": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, world())
			s.columns = columns
			s.down = 2
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var stderr bytes.Buffer
			until := map[string]int{"Terminal": 3, "Pipe": 2}[name]
			r := &reader{until: until, leave: cancel}
			s.server.Config.Handler = s.failing(s.server.Config.Handler)
			require.Equal(t, 0, s.watch(ctx, r, &stderr, "orgs", "list", "--watch=100ms"))
			all := strings.Join(r.writes, "") + stderr.String()
			require.Contains(t, all, "the database does not answer")
			if columns > 0 {
				require.Contains(t, r.writes[1], "NOT UP TO DATE: ")
				require.Contains(t, r.writes[1], "acme", "the last answer stays")
			}
		})
	}
}

// failing makes the s.down-th answer a server that is away.
func (s *session) failing(next http.Handler) http.Handler {
	var mu sync.Mutex
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		fails := n == s.down
		mu.Unlock()
		if fails {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"status":503,"kind":"temporary","code":"database","detail":"the database does not answer"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// What was wrong from the start is not watched, and neither is a slip.
func TestWatchRefuses(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{"GET /orgs": problem(admin.Forbidden, "role", "not you")})
	require.Equal(t, 4, s.run(t.Context(), "orgs", "list", "--watch").code)
	got := s.run(t.Context(), "orgs", "list", "--watch=1ms")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "too often")
	require.Equal(t, 2, s.run(t.Context(), "orgs", "add", "x", "--watch").code, "a change is not repeated")
}
