package adminapi_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/secret"
)

// hand is a clock that a test moves.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *hand) add(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

// gate is a handler whose clock and metrics a test holds.
func gate(t *testing.T, f *fake) (h http.Handler, clock *hand, failures func(reason string) float64) {
	t.Helper()
	clock = &hand{now: day}
	reg := prometheus.NewRegistry()
	o := f.options()
	o.Now, o.Registerer = clock.Now, reg
	h, err := adminapi.New(o)
	require.NoError(t, err)
	return h, clock, func(reason string) float64 {
		families, err := reg.Gather()
		require.NoError(t, err)
		for _, family := range families {
			for _, m := range family.GetMetric() {
				if family.GetName() == "inboxd_admin_login_failures_total" && m.GetLabel()[0].GetValue() == reason {
					return m.GetCounter().GetValue()
				}
			}
		}
		return -1
	}
}

// Whoever guesses tokens is locked out after five, whatever they try next, and
// says how long; a right token before that forgives.
func TestFailedLoginsLock(t *testing.T) {
	t.Parallel()
	h, clock, failures := gate(t, newFake())
	server := onTCP(t, h)
	try := func(token string) int {
		status, _ := do(t, server, http.MethodGet, admin.VersionPath, token, "", nil)
		return status
	}
	for range 4 {
		require.Equal(t, http.StatusUnauthorized, try("nonsense"))
	}
	require.Equal(t, http.StatusOK, try("viewer"))
	for range 5 {
		require.Equal(t, http.StatusUnauthorized, try("nonsense"))
	}
	require.Equal(t, http.StatusTooManyRequests, try("nonsense"))
	require.Equal(t, http.StatusTooManyRequests, try("viewer"), "the source is locked, not the token")
	clock.add(10*time.Minute + 500*time.Millisecond)
	_, err := as(t, server, "viewer").Orgs(t.Context(), "", admin.Page{})
	var fault *admin.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, admin.Throttled, fault.Kind)
	require.Equal(t, 5*time.Minute, fault.RetryAfter, "rounded up")
	require.ErrorContains(t, err, "try again in 5m0s")
	clock.add(5 * time.Minute)
	require.Equal(t, http.StatusOK, try("viewer"))
	require.InDelta(t, 9, failures("unknown"), 0)
	require.InDelta(t, 3, failures("locked"), 0)
}

// A token whose number is tried from many places is locked as well.
func TestFailedLoginsLockTheToken(t *testing.T) {
	t.Parallel()
	f := newFake()
	h, _, _ := gate(t, f)
	server, socket := onTCP(t, h), onSocket(t, h)
	forged, _ := secret.Mint("admin", 5)
	for range 3 {
		require.Equal(t, admin.Unauthorized, admin.KindOf(second(as(t, server, forged).Orgs(t.Context(), "", admin.Page{}))))
	}
	for range 2 {
		require.Equal(t, admin.Unauthorized, admin.KindOf(second(as(t, socket, forged).Orgs(t.Context(), "", admin.Page{}))))
	}
	other, _ := secret.Mint("admin", 5)
	require.Equal(t, admin.Throttled, admin.KindOf(second(as(t, server, other).Orgs(t.Context(), "", admin.Page{}))))
	unknown, _ := secret.Mint("admin", 6)
	require.Equal(t, admin.Unauthorized, admin.KindOf(second(as(t, server, unknown).Orgs(t.Context(), "", admin.Page{}))), "another number, and this source has failed four times only")
}

// The socket without a token is the way in when everything else is locked.
func TestSocketIsNeverLocked(t *testing.T) {
	t.Parallel()
	h, _, _ := gate(t, newFake())
	socket := onSocket(t, h)
	for range 8 {
		require.Error(t, second(as(t, socket, "nonsense").Orgs(t.Context(), "", admin.Page{})))
	}
	require.Equal(t, admin.Throttled, admin.KindOf(second(as(t, socket, "viewer").Orgs(t.Context(), "", admin.Page{}))))
	require.NoError(t, second(as(t, socket, "").Orgs(t.Context(), "", admin.Page{})))
}

// A cron job with an old token must not lock out the office it runs in, and a
// database that is away is nobody's failed login.
func TestOldTokensAndOutagesLockNobody(t *testing.T) {
	t.Parallel()
	f := newFake()
	h, _, failures := gate(t, f)
	server := onTCP(t, h)
	for range 8 {
		err := second(as(t, server, "expired").Orgs(t.Context(), "", admin.Page{}))
		require.Equal(t, admin.ExitNotAllowed, admin.KindOf(err).ExitCode())
		require.ErrorContains(t, err, "expired at")
	}
	for range 8 {
		require.Equal(t, admin.Internal, admin.KindOf(second(as(t, server, "outage").Orgs(t.Context(), "", admin.Page{}))))
	}
	require.NoError(t, second(as(t, server, "viewer").Orgs(t.Context(), "", admin.Page{})))
	require.InDelta(t, 8, failures("expired"), 0)
	require.Zero(t, failures("unknown"))
}

// oldTokens are what the fake says of tokens that are known and no longer good.
func oldTokens(clear string) error {
	switch clear {
	case "expired":
		return inbox.Faultf(inbox.Unauthorized, "token_expired", "token 5 expired at 2026-01-01T00:00:00Z")
	case "outage":
		return errors.New("no database")
	}
	return nil
}

// A token that is revoked while its call is under way ends the call, and says so:
// otherwise who watches a live view, or runs a long change, would stay in.
func TestRevokedTokenEndsItsCalls(t *testing.T) {
	t.Parallel()
	f := newFake()
	tokens, work := &revocable{fake: f}, hanging{f, make(chan struct{})}
	o := f.options()
	o.Tokens, o.Retrier, o.Recheck = tokens, work, 5*time.Millisecond
	h, err := adminapi.New(o)
	require.NoError(t, err)
	client := as(t, onTCP(t, h), "operator")
	ended := make(chan error, 1)
	go func() { ended <- second(client.RetryJobs(t.Context(), admin.RetryRequest{All: true})) }()
	<-work.began
	tokens.out.Store(true)
	err = <-ended
	require.Equal(t, admin.Unauthorized, admin.KindOf(err), err)
	require.ErrorContains(t, err, "revoked")
}

// revocable are tokens that all go at once.
type revocable struct {
	*fake

	out atomic.Bool
}

func (r *revocable) AuthenticateAdmin(ctx context.Context, clear string) (adminapi.Principal, error) {
	if r.out.Load() {
		return adminapi.Principal{}, inbox.Faultf(inbox.Unauthorized, "token_revoked", "token 5 was revoked")
	}
	return r.fake.AuthenticateAdmin(ctx, clear)
}

// hanging work ends when its call does.
type hanging struct {
	*fake

	began chan struct{}
}

func (h hanging) RetryDead(ctx context.Context, _ inspect.Filter, _ string) (int, error) {
	close(h.began)
	<-ctx.Done()
	return 0, ctx.Err()
}

// What a job sends is shown to operators who ask for it, and to them alone; the
// record knows who and why.
func TestReveal(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	for _, path := range []string{"/10", "/10?reveal=false"} {
		_, body := do(t, server, http.MethodGet, admin.JobsPath+path, "operator", "", nil)
		require.NotContains(t, string(body), "canary")
		require.Contains(t, string(body), `"text":null`)
	}
	for path, want := range map[string]int{
		"/10?reveal=yes": http.StatusBadRequest, "/10?reason=x": http.StatusBadRequest, "/999?reveal=true": http.StatusNotFound,
		"/10?reveal=true&reason=" + strings.Repeat("x", 501): http.StatusBadRequest,
	} {
		status, _ := do(t, server, http.MethodGet, admin.JobsPath+path, "operator", "", nil)
		require.Equal(t, want, status, path)
	}
	require.Equal(t, admin.Forbidden, admin.KindOf(second(as(t, server, "viewer").RevealJob(t.Context(), "10", ""))))
	require.Equal(t, admin.NotFound, admin.KindOf(second(as(t, server, "@operator").RevealJob(t.Context(), "12", ""))), "of another org")
	require.Empty(t, f.shown)
	got, err := as(t, server, "operator").RevealJob(t.Context(), "10", "ticket 9")
	require.NoError(t, err)
	require.Equal(t, new("canary"), got.Item.Text)
	require.Len(t, f.shown, 1)
	c := f.shown[0]
	require.Equal(t, []string{"token:5", "jobs.reveal", "ticket 9", "tcp 127.0.0.1"}, []string{c.Actor, c.Action, c.Reason, c.Source})
	f.down = errors.New("no record")
	_, err = as(t, server, "operator").RevealJob(t.Context(), "10", "")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "canary")
}

// A caller of one org sees what was changed there, and not that there is more.
func TestAuditOfOneOrg(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	all, err := as(t, server, "viewer").Audit(t.Context(), admin.AuditFilter{}, admin.Page{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"12", "11"}, []string{all.Items[0].ID, all.Items[1].ID})
	require.Equal(t, new("11"), all.Next)
	next, err := as(t, server, "viewer").Audit(t.Context(), admin.AuditFilter{}, admin.Page{Limit: 2, Cursor: *all.Next})
	require.NoError(t, err)
	require.Len(t, next.Items, 1)
	require.Nil(t, next.Next)

	bound := as(t, server, "@admin")
	mine, err := bound.Audit(t.Context(), admin.AuditFilter{}, admin.Page{})
	require.NoError(t, err)
	require.Len(t, mine.Items, 1)
	require.Equal(t, new("acme"), mine.Items[0].Org)
	for name, err := range map[string]error{
		"Entry":  second(bound.AuditEntry(t.Context(), "12")),
		"Fleet":  second(bound.AuditEntry(t.Context(), "11")),
		"Org":    second(bound.Audit(t.Context(), admin.AuditFilter{Org: "globex"}, admin.Page{})),
		"Tokens": second(bound.Tokens(t.Context(), "globex")),
		"Revoke": second(bound.RevokeToken(t.Context(), admin.TokenRevoke{ID: "7"})),
		"Fleets": second(bound.RevokeToken(t.Context(), admin.TokenRevoke{ID: "5"})),
	} {
		require.Equal(t, admin.NotFound, admin.KindOf(err), name)
	}
	require.Equal(t, admin.Forbidden, admin.KindOf(second(bound.VerifyAudit(t.Context()))))
	require.Equal(t, admin.Forbidden, admin.KindOf(second(as(t, server, "viewer").VerifyAudit(t.Context()))))

	for path, code := range map[string]string{
		"?action=holds.ad": "unknown_action", "?since=soon": "bad_selector", "?until=x": "bad_selector", "?limit=0": "bad_limit",
		"?cursor=x": "bad_cursor", "?org=acmee": "org_not_found", "?who=x": "unknown_parameter", "/x": "bad_id", "/99": "audit_entry_not_found",
	} {
		_, body := do(t, server, http.MethodGet, admin.AuditPath+path, "admin", "", nil)
		require.Contains(t, string(body), `"code":"`+code+`"`, path)
	}
}

// Tokens are listed with what tells whether they may go, and never their secret.
func TestTokensAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	c := as(t, server, "admin")
	all, err := c.Tokens(t.Context(), "")
	require.NoError(t, err)
	states := map[string]string{}
	for _, x := range all.Items {
		states[x.ID] = x.State
	}
	require.Equal(t, map[string]string{"5": admin.TokenActive, "6": admin.TokenExpired, "7": admin.TokenRevoked}, states)
	require.Equal(t, new(admin.Operator), all.Items[0].Role)
	mine, err := as(t, server, "@admin").Tokens(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, mine.Items, 1)

	dry, err := c.RevokeToken(t.Context(), admin.TokenRevoke{ID: "5", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, admin.TokenActive, dry.Item.State)
	done, err := c.RevokeToken(t.Context(), admin.TokenRevoke{ID: "5"})
	require.NoError(t, err)
	require.Equal(t, admin.TokenRevoked, done.Item.State)
	require.Equal(t, admin.Invalid, admin.KindOf(second(c.RevokeToken(t.Context(), admin.TokenRevoke{ID: "x"}))))
	require.Equal(t, admin.NotFound, admin.KindOf(second(c.RevokeToken(t.Context(), admin.TokenRevoke{ID: strconv.Itoa(99)}))))
}
