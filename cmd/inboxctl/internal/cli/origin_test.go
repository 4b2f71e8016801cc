package cli_test

import (
	"maps"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// Whoever cannot reach a server must learn who named it: a context that a
// server left behind is easily forgotten.
func TestUnreachableSaysWhereTheAddressCameFrom(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	delete(s.env, "INBOXCTL_SERVER")
	none := "unix://" + filepath.Join(s.home, "none.sock")
	path := filepath.Join(s.home, "inboxctl", "config.json")
	require.NoError(t, admin.AddContext(path, admin.Context{Name: "dev", Server: none}))

	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"Current":     {nil, nil, "The address came from context dev, the current one: take another with `inboxctl context use NAME`, or drop it with `inboxctl context delete dev`.\n"},
		"Flag":        {nil, []string{"--server", none}, "The address came from --server.\n"},
		"ContextFlag": {nil, []string{"--context", "dev"}, "The address came from --context dev: see `inboxctl context list`, or drop it with `inboxctl context delete dev`.\n"},
		"Env":         {map[string]string{"INBOXCTL_SERVER": none}, nil, "The address came from INBOXCTL_SERVER in the environment: unset it, or name another with --server.\n"},
		"ContextEnv":  {map[string]string{"INBOXCTL_CONTEXT": "dev"}, nil, "The address came from context dev, which INBOXCTL_CONTEXT names: unset that, or drop the context with `inboxctl context delete dev`.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine := *s
			mine.env = map[string]string{"XDG_CONFIG_HOME": s.home}
			maps.Copy(mine.env, c.env)
			got := mine.run(t.Context(), append([]string{"status"}, c.args...)...)
			require.Equal(t, 9, got.code)
			require.Contains(t, got.err, "inboxctl: inboxd is not running here (no socket at HOME/none.sock)")
			require.Contains(t, got.err, "\n"+c.want)
		})
	}
}

// The public API has another address: taking it for the other one is a slip that
// must be named.
func TestPublicAPIIsNotTheServer(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{"GET /status": {404, map[string]any{"status": 404, "code": "no_such_route", "detail": "there is no such route: see /docs"}}})
	s.server.public = true
	got := s.run(t.Context(), "status", "--server", s.server.URL)
	require.Equal(t, 2, got.code)
	require.Equal(t, "inboxctl: SERVER is inboxd's public API, and operators need its admin API: name the socket (INBOXD_ADMIN_SOCKET, by default "+
		"unix:///run/inboxd/admin.sock), or the address in INBOXD_ADMIN_LISTEN\nThe address came from --server.\n", got.err)
}

// What is forgotten is gone with its token, and does not stay the current one.
func TestContextDelete(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	path := filepath.Join(s.home, "inboxctl", "config.json")
	require.NoError(t, admin.AddContext(path, admin.Context{Name: "dev", Server: s.server.URL, Token: "canary"}))
	require.NoError(t, admin.AddContext(path, admin.Context{Name: "prod", Server: s.server.URL}))

	got := s.run(t.Context(), "context", "delete", "deb")
	require.Equal(t, result{5, "", "inboxctl: there is no context \"deb\": did you mean dev?\n"}, got)
	got = s.run(t.Context(), "context", "delete", "prod", "-o", "json")
	require.Contains(t, got.out, `"name": "prod"`)
	golden(t, "context_delete", []string{"context", "delete", "dev"}, s.run(t.Context(), "context", "delete", "dev"))
	config, err := admin.LoadConfig(path)
	require.NoError(t, err)
	require.Equal(t, admin.Config{Contexts: []admin.Context{}}, config)
	require.Empty(t, s.server.asked)
}
