package cli_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// offers returns the words a shell would be offered.
func (s *session) offers(t *testing.T, args ...string) []string {
	t.Helper()
	got := s.run(t.Context(), append([]string{"__complete"}, args...)...)
	require.Equal(t, 0, got.code, got.err)
	var words []string
	for line := range strings.SplitSeq(got.out, "\n") {
		if line == "" || strings.HasPrefix(line, ":") {
			continue
		}
		word, _, _ := strings.Cut(line, "\t")
		words = append(words, word)
	}
	return words
}

// The shell knows the names that exist: nobody types them right at night.
func TestCompletion(t *testing.T) {
	t.Parallel()
	answers := world()
	answers["GET /holds"] = list("holds", holds()...)
	answers["GET /ops"] = list("operations", admin.Operation{ID: "31", State: admin.OpRunning})
	s := newSession(t, answers)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"acme", []string{"orgs", "show", ""}},
		{"acme", []string{"orgs", "pause", ""}},
		{"acme", []string{"jobs", "list", "--org", ""}},
		{"globex,acme", []string{"jobs", "list", "--org", "globex,"}},
		{"dana", []string{"jobs", "list", "--user", ""}},
		{"4", []string{"channels", "pause", ""}},
		{"2", []string{"workers", "drain", ""}},
		{"4712", []string{"jobs", "show", ""}},
		{"4712", []string{"jobs", "retry", "99", ""}},
		{"7", []string{"orgs", "resume", "acme", "--hold", ""}},
		{"whatsapp", []string{"queues", "show", ""}},
		{"uncertain", []string{"jobs", "list", "--state", ""}},
		{"window_closed", []string{"jobs", "list", "--error", ""}},
		{"jsonl", []string{"orgs", "list", "-o", ""}},
		{"send_text", []string{"limits", "reset", "--org", "acme", ""}},
		{"send_text=", []string{"limits", "set", "--org", "acme", ""}},
		{"nagios", []string{"check", "queue", "whatsapp", "--format", ""}},
		{"acme", []string{"check", "org", ""}},
	} {
		require.Contains(t, s.offers(t, c.args...), c.want, "%v", c.args)
	}
	s.server.asked = nil
	s.offers(t, "jobs", "list", "--org", "acme", "--user", "")
	s.offers(t, "jobs", "retry", "--org", "acme", "")
	s.offers(t, "orgs", "show", "ac")
	require.Equal(t, []string{
		"GET /admin/v1/users?org=acme", "GET /admin/v1/jobs?limit=50&org=acme&state=dead", "GET /admin/v1/orgs?limit=1000&prefix=ac&sort=name",
	}, s.server.asked, "only what fits is asked for")
	require.NoError(t, admin.AddContext(s.home+"/inboxctl/config.json", admin.Context{Name: "prod", Server: s.server.URL}))
	require.Contains(t, s.offers(t, "context", "use", ""), "prod")
	require.Contains(t, s.offers(t, "status", "--context", ""), "prod")
	require.Empty(t, s.offers(t, "orgs", "show", "acme", ""), "there is no second argument, and no file")
}

// While somebody types nothing may be said and nothing may hang: no server, a
// silent one, or one that says no is simply no words.
func TestCompletionIsSilent(t *testing.T) {
	t.Parallel()
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hang.Close)
	no := newServer(t, map[string]reply{"GET /orgs": problem(admin.Unauthorized, "no_token", "this needs a token")})
	for name, server := range map[string]string{"Away": "unix:///nonexistent.sock", "Silent": hang.URL, "Refuses": no.URL, "Nonsense": "nonsense"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, nil)
			s.env["INBOXCTL_SERVER"] = server
			begin := time.Now()
			got := s.run(t.Context(), "__complete", "orgs", "show", "")
			require.Equal(t, 0, got.code)
			require.Empty(t, s.offers(t, "orgs", "show", ""))
			require.NotContains(t, got.out+got.err, "rror")
			require.Less(t, time.Since(begin), 20*time.Second, "two tries of a second, on a slow machine")
		})
	}
}

// Who asks for completion must find out how to install it.
func TestCompletionHelp(t *testing.T) {
	t.Parallel()
	s := newSession(t, nil)
	got := s.run(t.Context(), "completion", "--help")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		require.Contains(t, got.out, "inboxctl completion "+shell)
		script := s.run(t.Context(), "completion", shell)
		require.Equal(t, 0, script.code)
		require.Contains(t, script.out, "inboxctl")
	}
	require.Empty(t, s.server.asked)
}
