package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/cmd/inboxctl/internal/cli"
)

// session is an operator at work: an environment and a server.
type session struct {
	server   *server
	home     string
	env      map[string]string
	input    string
	terminal bool
	colour   bool
	version  string
	draw     bool
	width    int
	uid      int
	typing   io.Reader // instead of input
	columns  int       // of the terminal; 0: there is none
	down     int       // which answer fails, of a watch
	left     func(context.Context) bool
}

func newSession(t *testing.T, replies map[string]reply) *session {
	t.Helper()
	s := &session{server: newServer(t, replies), home: t.TempDir(), version: "v1.0.0"}
	s.env = map[string]string{"XDG_CONFIG_HOME": s.home, "INBOXCTL_SERVER": s.server.URL}
	return s
}

// result is what came of one command line.
type result struct {
	code     int
	out, err string
}

func (s *session) run(ctx context.Context, args ...string) result {
	var out, err bytes.Buffer
	in := s.typing
	if in == nil {
		in = strings.NewReader(s.input)
	}
	code := cli.Run(ctx, cli.Env{
		In: in, Out: &out, Err: &err, Draw: s.draw, Width: func() int { return s.width }, UID: s.uid,
		Getenv: func(name string) string { return s.env[name] }, Now: at,
		Terminal: s.terminal, Colour: s.colour,
		Size:  func() (int, int, bool) { return s.columns, 40, s.columns > 0 },
		Left:  s.left,
		Build: cli.Build{Version: s.version, Commit: "abc", Date: "2026-01-01"},
	}, args)
	return result{code, s.hide(out.String()), s.hide(err.String())}
}

// hide replaces what differs from run to run.
func (s *session) hide(text string) string {
	return strings.NewReplacer(s.server.URL, "SERVER", s.home, "HOME").Replace(text)
}

// golden compares a result with testdata/NAME.txt; UPDATE_GOLDEN=1 writes it.
func golden(t *testing.T, name string, args []string, got result) {
	t.Helper()
	text := fmt.Sprintf("$ inboxctl %s\nexit %d\n--- stdout\n%s--- stderr\n%s", strings.Join(args, " "), got.code, got.out, got.err)
	path := filepath.Join("testdata", name+".txt")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(string(want), text))
}
