package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// An operator logs in once; after that commands go to that server with that
// token, and to no other server with it.
func TestLoginAndContexts(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	s.env["INBOXCTL_SERVER"] = ""
	tokenFile := filepath.Join(s.home, "token")
	require.NoError(t, os.WriteFile(tokenFile, []byte("from-file\n"), 0o600))
	s.input = "from-stdin\n"

	require.Equal(t, 5, s.run(t.Context(), "context", "current").code)
	require.Equal(t, 2, s.run(t.Context(), "login", "--server", s.server.URL).code, "nobody to ask for a token")
	golden(t, "login", []string{"login", "..."}, s.run(t.Context(), "login", "--server", s.server.URL, "--token-file", tokenFile, "--name", "prod", "--protected", "--colour", "red"))
	require.Equal(t, "Bearer from-file", s.server.token)
	require.Equal(t, 0, s.run(t.Context(), "login", "--server", s.server.URL, "--token-file", "-", "--name", "look", "--read-only").code)

	golden(t, "context_list", []string{"context", "list"}, s.run(t.Context(), "context", "list"))
	golden(t, "context_list_json", []string{"context", "list", "-o", "json"}, s.run(t.Context(), "context", "list", "-o", "json"))
	require.Equal(t, result{0, "look\n", ""}, s.run(t.Context(), "context", "current"))
	s.run(t.Context(), "orgs", "list")
	require.Equal(t, "Bearer from-stdin", s.server.token)

	require.Equal(t, 4, s.run(t.Context(), "orgs", "add", "acme").code, "read-only")
	golden(t, "context_use", []string{"context", "use", "prod"}, s.run(t.Context(), "context", "use", "prod"))
	golden(t, "context_unknown", []string{"context", "use", "prd"}, s.run(t.Context(), "context", "use", "prd"))
	s.run(t.Context(), "orgs", "list")
	require.Equal(t, "Bearer from-file", s.server.token)

	s.run(t.Context(), "orgs", "list", "--server", s.server.URL)
	require.Empty(t, s.server.token, "a context's token is for the context's server")
	s.env["INBOXCTL_CONTEXT"] = "look"
	s.run(t.Context(), "orgs", "list")
	require.Equal(t, "Bearer from-stdin", s.server.token)
	s.env["INBOXCTL_TOKEN_FILE"] = tokenFile
	s.run(t.Context(), "orgs", "list", "--context", "look")
	require.Equal(t, "Bearer from-stdin", s.server.token, "a context that was named brings its own token")

	require.NoError(t, os.Remove(tokenFile))
	s.env["INBOXCTL_TOKEN_FILE"] = ""
	require.Equal(t, 4, s.run(t.Context(), "orgs", "list", "--context", "prod").code)
}

// A protected context costs a reason and its name, so that nobody changes it in
// passing.
func TestProtectedContext(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	s.env["INBOXCTL_SERVER"] = ""
	path := filepath.Join(s.home, "inboxctl", "config.json")
	require.NoError(t, admin.AddContext(path, admin.Context{Name: "prod", Server: s.server.URL, Token: "t", Protected: true}))

	require.Equal(t, 7, s.run(t.Context(), "orgs", "add", "acme", "--yes").code, "no reason")
	require.Equal(t, 7, s.run(t.Context(), "orgs", "add", "acme", "--reason", "x").code, "no terminal to type the name")
	require.Empty(t, s.server.asked)
	require.Equal(t, 0, s.run(t.Context(), "orgs", "add", "acme", "--reason", "x", "--yes").code)
	s.terminal, s.input = true, "wrong\n"
	require.Equal(t, 7, s.run(t.Context(), "orgs", "add", "acme", "--reason", "x").code)
	s.input = "prod\ny\n"
	require.Equal(t, 0, s.run(t.Context(), "jobs", "retry", "--org", "acme", "--reason", "x").code)
	require.Contains(t, s.server.asked[1], `"kind":"retry"`)
	require.Contains(t, s.server.asked[1], `"reason":"x"`)
}
