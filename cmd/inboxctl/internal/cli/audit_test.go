package cli_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

func tokens() []admin.TokenInfo {
	return []admin.TokenInfo{
		{
			ID: "5", Role: new(admin.Operator), State: admin.TokenActive, CreatedBy: new("local:0"), CreatedAt: at().Add(-48 * time.Hour),
			ExpiresAt: new(at().Add(88 * 24 * time.Hour)), LastUsedAt: new(at().Add(-200 * time.Second)),
		},
		{ID: "6", Org: new("acme"), User: new("dana"), State: admin.TokenActive, CreatedAt: at().Add(-time.Hour)},
		{ID: "7", Org: new("globex"), State: admin.TokenRevoked, CreatedAt: at().Add(-time.Hour), RevokedAt: new(at())},
	}
}

func entries() []admin.AuditEntry {
	return []admin.AuditEntry{
		{
			ID: "12", At: at().Add(-time.Minute), Actor: "token:5", TokenID: new("5"), Action: "limits.set", Org: new("acme"), Target: "limits send_text",
			Reason: new("INC-\x1b[2J812"), Outcome: "done", RequestID: "R12", Source: "tcp 192.0.2.7", Hash: "ab12",
			Detail: map[string]any{"before": []any{}, "after": []any{map[string]any{"name": "send_text", "value": 120}}},
		},
		{
			ID: "11", At: at().Add(-time.Hour), Actor: "local:0", Action: "queues.dial", Target: "queue whatsapp", Outcome: "done", RequestID: "R11",
			Source: "socket", Hash: "cd34", Detail: map[string]any{},
		},
	}
}

// What operators see of the trail and of tokens, exactly.
func TestGoldenAudit(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"audit_list":        {"audit", "list"},
		"audit_list_wide":   {"audit", "list", "-o", "wide"},
		"audit_list_json":   {"audit", "list", "-o", "json"},
		"audit_list_csv":    {"audit", "list", "-o", "csv"},
		"audit_list_name":   {"audit", "list", "-o", "name"},
		"audit_show":        {"audit", "show", "12"},
		"audit_verify":      {"audit", "verify"},
		"audit_verify_json": {"audit", "verify", "-o", "json"},
		"tokens_list":       {"tokens", "list"},
		"tokens_list_wide":  {"tokens", "list", "-o", "wide"},
		"tokens_list_csv":   {"tokens", "list", "-o", "csv"},
		"tokens_revoke":     {"tokens", "revoke", "7", "--yes"},
		"tokens_revoke_dry": {"tokens", "revoke", "5", "--dry-run"},
		"tokens_revoke_ask": {"tokens", "revoke", "5"},
		"help_reveal":       {"jobs", "show", "--help"},
		"help_verify":       {"audit", "verify", "--help"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, args, newSession(t, world()).run(t.Context(), args...))
		})
	}
}

// A broken trail fails the command and names the entry: cron must notice.
func TestBrokenTrail(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{"GET /audit/verify": one("audit_verdict", admin.AuditVerdict{
		Count: 6, Head: "ab12", BrokenID: new("7"), Why: new("its content is not what was hashed when it was written"),
	})})
	got := s.run(t.Context(), "audit", "verify")
	require.Equal(t, admin.ExitFailed, got.code)
	require.Contains(t, got.err, "entry 7")
	require.Contains(t, got.out, "6 entries hold")
	require.Equal(t, admin.ExitUsage, s.run(t.Context(), "audit", "verify", "-o", "name").code)
}

// The filter of a list reaches the server whole.
func TestAuditFilter(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	got := s.run(t.Context(), "audit", "list", "--org", "acme", "--actor", "token:5", "--action", "limits.set", "--since", "2h", "--until", "2026-02-01", "--limit", "5")
	require.Zero(t, got.code, got.err)
	require.Equal(t, []string{
		"GET /admin/v1/audit?action=limits.set&actor=token%3A5&limit=5&org=acme&since=2026-01-31T10%3A00%3A00Z&until=2026-02-01T00%3A00%3A00Z",
	}, s.server.asked)
	for _, args := range [][]string{{"--since", "soon"}, {"--limit", "0"}} {
		require.Equal(t, admin.ExitUsage, s.run(t.Context(), append([]string{"audit", "list"}, args...)...).code)
	}
	require.Equal(t, admin.ExitUsage, s.run(t.Context(), "audit", "show", "x").code)
	require.Equal(t, admin.ExitNotFound, s.run(t.Context(), "audit", "show", "99").code)
}

// A revocation asks, with what is known of the token: a wrong one locks a
// colleague out.
func TestRevokeAsks(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	s.terminal, s.input = true, "n\n"
	got := s.run(t.Context(), "tokens", "revoke", "5")
	require.Equal(t, admin.ExitRefused, got.code)
	require.Contains(t, got.err, "Revoke token 5 (operator, last used 3m20s ago) on SERVER?")
	require.Len(t, s.server.asked, 1, "only the dry run")
	s.input = "y\n"
	require.Zero(t, s.run(t.Context(), "tokens", "revoke", "5").code)
	require.Equal(t, admin.ExitUsage, s.run(t.Context(), "tokens", "revoke", "five").code)
	s.terminal = false
	require.Equal(t, admin.ExitRefused, s.run(t.Context(), "tokens", "revoke", "5").code)
}

// A token that ends in the middle of things is no mystery.
func TestExpiredToken(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{
		"GET /orgs":  problem(admin.Unauthorized, "token_expired", "token 5 expired at 2026-01-31T11:59:00Z: make another with `inboxctl tokens create`"),
		"GET /users": problem(admin.Throttled, "locked", "too many logins have failed from here or with this token: try again in 15m0s"),
	})
	got := s.run(t.Context(), "orgs", "list")
	require.Equal(t, admin.ExitNotAllowed, got.code)
	require.Contains(t, got.err, "expired at 2026-01-31T11:59:00Z")
	require.Contains(t, s.run(t.Context(), "users", "list").err, "try again in 15m0s")
}

// The text of a customer is shown to whoever asks for it, and to nobody else.
func TestReveal(t *testing.T) {
	t.Parallel()
	shown := job()
	shown.Text = new("hello\x1b[2J there")
	s := newSession(t, map[string]reply{"GET /jobs/4712": one("job", shown)})
	got := s.run(t.Context(), "jobs", "show", "4712", "--reveal", "--reason", "ticket 9")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "hello")
	require.NotContains(t, got.out, "\x1b")
	require.Equal(t, []string{"GET /admin/v1/jobs/4712?reason=ticket+9&reveal=true"}, s.server.asked)
	require.Equal(t, admin.ExitUsage, s.run(t.Context(), "jobs", "show", "4712", "--reason", "x").code)
	s.run(t.Context(), "login", "--server", s.server.URL, "--name", "prod", "--protected", "--token-file", "-")
	require.Len(t, s.server.asked, 1)
}
