package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// serve answers every request with h and returns a client of it.
func serve(t *testing.T, o admin.Options, h http.HandlerFunc) *admin.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o.Server = s.URL
	return client(t, o)
}

func client(t *testing.T, o admin.Options) *admin.Client {
	t.Helper()
	c, err := admin.NewClient(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// Every call goes to its path with its method, token and version, and what the
// operator selected arrives whole.
func TestClientRequests(t *testing.T) {
	t.Parallel()
	since, older := time.Date(2026, 1, 31, 12, 0, 0, 5, time.UTC), int64(60_000)
	selector := admin.Selector{Org: []string{"acme", "globex"}, State: []string{"dead"}, Since: &since, OlderThanMS: &older, IDs: []string{"7"}}
	for want, call := range map[string]func(context.Context, *admin.Client) error{
		"GET /admin/v1/version":   func(ctx context.Context, c *admin.Client) error { _, err := c.Version(ctx); return err },
		"GET /admin/v1/status":    func(ctx context.Context, c *admin.Client) error { _, err := c.Status(ctx); return err },
		"GET /admin/v1/queues":    func(ctx context.Context, c *admin.Client) error { _, err := c.Queues(ctx); return err },
		"GET /admin/v1/jobs/7%2F": func(ctx context.Context, c *admin.Client) error { _, err := c.Job(ctx, "7/"); return err },
		"GET /admin/v1/orgs":      func(ctx context.Context, c *admin.Client) error { _, err := c.Orgs(ctx, "", admin.Page{}); return err },
		"GET /admin/v1/users":     func(ctx context.Context, c *admin.Client) error { _, err := c.Users(ctx, ""); return err },
		"GET /admin/v1/users?org=a%26b": func(ctx context.Context, c *admin.Client) error {
			_, err := c.Users(ctx, "a&b")
			return err
		},
		"GET /admin/v1/channels?org=acme": func(ctx context.Context, c *admin.Client) error { _, err := c.Channels(ctx, "acme"); return err },
		"GET /admin/v1/jobs?cursor=9&ids=7&limit=3&older_than_ms=60000&org=acme%2Cglobex&since=2026-01-31T12%3A00%3A00.000000005Z&state=dead": func(ctx context.Context, c *admin.Client) error {
			_, err := c.Jobs(ctx, selector, admin.Page{Cursor: "9", Limit: 3})
			return err
		},
		`POST /admin/v1/jobs/retry {"selector":{"org":["acme"]},"all":false,"dry_run":true}`: func(ctx context.Context, c *admin.Client) error {
			_, err := c.RetryJobs(ctx, admin.RetryRequest{Selector: admin.Selector{Org: []string{"acme"}}, DryRun: true})
			return err
		},
		`POST /admin/v1/orgs {"name":"acme"}`: func(ctx context.Context, c *admin.Client) error {
			_, err := c.AddOrg(ctx, admin.OrgAdd{Name: "acme"})
			return err
		},
		`POST /admin/v1/users {"name":"dana","org":"acme"}`: func(ctx context.Context, c *admin.Client) error {
			_, err := c.AddUser(ctx, admin.UserAdd{Name: "dana", Org: "acme"})
			return err
		},
		`POST /admin/v1/channels {"org":"acme","kind":"whatsapp","external_id":"1","token":"t"}`: func(ctx context.Context, c *admin.Client) error {
			_, err := c.AddChannel(ctx, admin.ChannelAdd{Org: "acme", Kind: "whatsapp", ExternalID: "1", Token: "t"})
			return err
		},
		`POST /admin/v1/tokens {"role":"viewer"}`: func(ctx context.Context, c *admin.Client) error {
			_, err := c.CreateToken(ctx, admin.TokenCreate{Role: admin.Viewer})
			return err
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var got string
			var header http.Header
			c := serve(t, admin.Options{Token: "secret", Version: "v2"}, func(w http.ResponseWriter, r *http.Request) {
				var body json.RawMessage
				_ = json.NewDecoder(r.Body).Decode(&body)
				got, header = strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(body)), r.Header
				w.Header().Set(admin.VersionHeader, "v1")
				_, _ = w.Write([]byte(`{"kind":"x"}`))
			})
			require.NoError(t, call(t.Context(), c))
			require.Equal(t, want, got)
			require.Equal(t, "Bearer secret", header.Get("Authorization"))
			require.Equal(t, "v2", header.Get(admin.VersionHeader))
			require.Equal(t, "v1", c.ServerVersion())
		})
	}
}

// Whatever goes wrong, the operator learns what it was, and a script gets the
// exit code it can decide by.
func TestClientFaults(t *testing.T) {
	t.Parallel()
	problem := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   admin.Kind
		exit   int
		text   string
	}{
		"Problem":     {problem(409, `{"detail":"taken","kind":"conflict","code":"org_exists"}`), admin.Conflict, 6, "taken"},
		"NoKind":      {problem(404, `{"detail":"gone"}`), admin.NotFound, 5, "gone"},
		"Newer":       {problem(418, `{"detail":"teapot","kind":"teapot"}`), "teapot", 1, "teapot"},
		"Forbidden":   {problem(403, `{"detail":"no","kind":"forbidden"}`), admin.Forbidden, 4, "no"},
		"Proxy":       {problem(502, `<html>`), admin.Temporary, 9, "not as inboxd does"},
		"PublicAPI":   {problem(404, `{"detail":"there is no such route: see /docs","status":404,"code":"no_such_route"}`), admin.Invalid, 2, "public API, and operators need its admin API"},
		"NotFoundWeb": {problem(404, `404 page not found`), admin.NotFound, 5, "not as inboxd does"},
		"Redirect":    {problem(302, ``), admin.Unreachable, 9, "not as inboxd does"},
		"NotJSON":     {problem(200, `hello`), admin.Unreachable, 9, "not as inboxd does"},
		"Dropped":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, admin.Unreachable, 9, "cannot reach"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, admin.Options{Token: "canary"}, c.answer).Orgs(t.Context(), "", admin.Page{})
			require.Equal(t, c.kind, admin.KindOf(err))
			require.Equal(t, c.exit, c.kind.ExitCode())
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "canary")
			e, ok := errors.AsType[*admin.Error](err)
			require.True(t, ok)
			if e.Code == "org_exists" {
				require.Equal(t, 7*time.Second, e.RetryAfter)
			}
		})
	}
}

// A server that does not answer must not hang a terminal, and giving up by hand
// is not the server's fault.
func TestClientGivesUp(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	c := serve(t, admin.Options{Timeout: 20 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	})
	defer close(stop)
	_, err := c.Status(t.Context())
	require.Equal(t, admin.Unreachable, admin.KindOf(err))
	require.ErrorContains(t, err, "--timeout")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Status(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.AddHold(ctx, admin.HoldAdd{Org: "acme"})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "the change may have been made", "who leaves a pause must not believe that it was not made")
}

// Every way not to get through says what to do.
func TestClientAdvises(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + l.Addr().String()
	require.NoError(t, l.Close())

	for server, want := range map[string]string{
		"unix://" + filepath.Join(t.TempDir(), "none.sock"): "inboxd is not running here",
		closed:                   "start it with `inboxd` (APP_MODE=api or all) or `inboxd dev`",
		"http://inboxd.invalid/": "cannot be found",
	} {
		_, err := client(t, admin.Options{Server: server}).Status(t.Context())
		require.Equal(t, admin.Unreachable, admin.KindOf(err), server)
		require.ErrorContains(t, err, want)
	}
	for _, server := range []string{"inboxd:9090", "unix://relative.sock", "ftp://x", "http://", "https://u:p@x", "http://x/path", "http://x?y", "://"} {
		_, err := admin.NewClient(admin.Options{Server: server})
		require.Equal(t, admin.Invalid, admin.KindOf(err), server)
	}
	c := client(t, admin.Options{})
	require.Equal(t, admin.DefaultServer, c.Server())
}

// A token must not follow a redirect to another host.
func TestClientKeepsTheToken(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(other.Close)
	c := serve(t, admin.Options{Token: "t"}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, err := c.Orgs(t.Context(), "", admin.Page{})
	require.Error(t, err)
}

// The socket is the way operators use most.
func TestClientOnSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.sock")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"kind":"version","item":{"version":"v3"},"next":null,"as_of":"2026-01-31T12:00:00Z","stale_ms":4}`))
	}))
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	got, err := client(t, admin.Options{Server: "unix://" + path}).Version(t.Context())
	require.NoError(t, err)
	want := admin.One[admin.Version]{Kind: "version", Item: admin.Version{Version: "v3"}, AsOf: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), StaleMS: 4}
	require.Empty(t, cmp.Diff(want, got))
	require.NoError(t, os.RemoveAll(path))
}
