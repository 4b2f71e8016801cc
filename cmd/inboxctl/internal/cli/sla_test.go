package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

func slaFigures() []admin.SLAFigures {
	return []admin.SLAFigures{
		{
			ID: "acme/dana", Name: "dana", Org: "acme", User: new("dana"), Who: new("user"), TargetMS: 300_000, Objective: 0.8,
			Compliance: new(0.6666666), N: 3, Met: 2, Missed: 1, Pending: 1, AtRisk: 1, Overdue: 1,
			P50MS: new(int64(42_000)), P90MS: new(int64(310_000)), P95MS: new(int64(310_000)), WorstMS: new(int64(310_000)), OldestOpenMS: new(int64(4_000_000)),
		},
		{
			ID: "acme/phone_app", Name: "phone_app", Org: "acme", Who: new("phone_app"), TargetMS: 300_000, Objective: 0.8,
			Compliance: new(0.9999), N: 10_000, Met: 9_999, Missed: 1, P50MS: new(int64(1500)), P90MS: new(int64(1500)), P95MS: new(int64(1500)), WorstMS: new(int64(9000)),
		},
		{ID: "acme/unassigned", Name: "unassigned", Org: "acme", Who: new("unassigned"), TargetMS: 300_000, Objective: 0.8, Pending: 2},
	}
}

func slaCases() []admin.SLACase {
	asked := at().Add(-20 * time.Minute)
	return []admin.SLACase{
		{
			ID: "71", ConversationID: "7", Org: "acme", User: new("dana"), Who: "user", ChannelID: "4", ChannelKind: "whatsapp", StartedAt: asked, ReceivedAt: asked,
			DueAt: asked.Add(5 * time.Minute), Cause: new("hold"), Spent: &admin.SLASpent{HumanMS: 60_000, HoldMS: 230_000, QueueWaitMS: 10_000},
		},
		{
			ID: "72", ConversationID: "8", Org: "acme", Who: "phone_app", ChannelID: "5", ChannelKind: "instagram", First: true, StartedAt: asked, ReceivedAt: asked,
			DueAt: asked.Add(5 * time.Minute), AnsweredAt: new(asked.Add(6 * time.Minute)), ResponseMS: new(int64(360_000)),
		},
	}
}

func slaPolicy(targetMS int64) admin.SLAPolicy {
	return admin.SLAPolicy{
		ID: "3", Name: "acme", Org: "acme", TargetMS: targetMS, Objective: 0.8, TimeZone: "America/New_York", InForce: true, SetAt: at().Add(-time.Hour),
		BusinessHours: map[string][]admin.SLAInterval{
			"mon": {{From: "09:00", To: "18:00"}}, "tue": {{From: "09:00", To: "18:00"}}, "sat": {{From: "10:00", To: "12:00"}, {From: "22:00", To: "02:00"}},
		},
	}
}

// slaReplies is every answer about SLA clocks that the tests need.
func slaReplies() map[string]reply {
	result := admin.SLAPolicyResult{Org: "acme", Before: slaPolicy(300_000), Policy: slaPolicy(600_000)}
	plan := result
	plan.DryRun = true
	old := slaPolicy(60_000)
	old.ID, old.InForce, old.BusinessHours, old.Owner, old.Reason = "2", false, nil, new("local:0"), new("INC-9")
	return map[string]reply{
		"GET /sla/report":      list("sla_figures", slaFigures()...),
		"GET /sla/misses":      list("sla_misses", slaCases()...),
		"GET /sla/at-risk":     list("sla_at_risk", slaCases()[:1]...),
		"GET /sla/policy":      list("sla_policies", slaPolicy(300_000), old),
		"POST /sla/policy":     one("sla_policy", result),
		"POST /sla/policy dry": one("sla_policy", plan),
	}
}

func TestSLAGolden(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"sla_report":       {"sla", "report"},
		"sla_report_json":  {"sla", "report", "-o", "json"},
		"sla_users":        {"sla", "users", "--org", "acme"},
		"sla_users_wide":   {"sla", "users", "--day", "2026-01-30", "-o", "wide"},
		"sla_users_csv":    {"sla", "users", "-o", "csv"},
		"sla_users_yaml":   {"sla", "users", "--limit", "1", "-o", "yaml"},
		"sla_users_name":   {"sla", "users", "-o", "name"},
		"sla_misses":       {"sla", "misses", "--org", "acme", "--window", "1h"},
		"sla_misses_wide":  {"sla", "misses", "--cause", "hold", "-o", "wide"},
		"sla_misses_jsonl": {"sla", "misses", "-o", "jsonl"},
		"sla_at_risk":      {"sla", "at-risk", "--org", "acme"},
		"sla_policy":       {"sla", "policy", "show", "--history", "-o", "wide"},
		"sla_policy_set":   {"sla", "policy", "set", "--org", "acme", "--target", "10m", "--yes"},
		"sla_policy_dry":   {"sla", "policy", "set", "--org", "acme", "--target", "10m", "--dry-run"},
		"sla_help":         {"sla", "--help"},
		"sla_help_misses":  {"sla", "misses", "--help"},
		"sla_help_policy":  {"sla", "policy", "set", "--help"},
		"sla_misspelt":     {"sla", "misses", "--cause", "holt"},
		"sla_two_windows":  {"sla", "users", "--window", "1h", "--day", "2026-01-30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, world())
			golden(t, name, args, s.run(t.Context(), args...))
		})
	}
}

// What is asked of the server is what the operator wrote.
func TestSLAQueries(t *testing.T) {
	t.Parallel()
	for asked, line := range map[string]string{
		"GET /admin/v1/sla/report?by=org&window_ms=86400000":                                                                                                      "sla report",
		"GET /admin/v1/sla/report?by=channel&org=acme&window_ms=604800000":                                                                                        "sla report --org acme --by channel --window 7d",
		"GET /admin/v1/sla/report?by=user&day=2026-11-20&user=dana%2Celi":                                                                                         "sla users --user dana,eli --day 2026-11-20",
		"GET /admin/v1/sla/misses?cause=human&limit=50&since=2026-01-31T10%3A00%3A00Z":                                                                            "sla misses --cause human --since 2h",
		"GET /admin/v1/sla/at-risk?overdue=true":                                                                                                                  "sla at-risk --overdue",
		`POST /admin/v1/sla/policy {"org":"acme","objective":0.9,"always_open":true,"dry_run":false}`:                                                             "sla policy set --org acme --objective 90 --hours always --yes",
		`POST /admin/v1/sla/policy {"org":"acme","business_hours":{"fri":[{"from":"22:00","to":"02:00"}],"sat":[{"from":"22:00","to":"02:00"}]},"dry_run":false}`: "sla policy set --org acme --hours fri-sat_22:00-02:00 --yes",
	} {
		s := newSession(t, world())
		args := strings.Fields(line)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		got := s.run(t.Context(), args...)
		require.Equal(t, 0, got.code, got.err)
		require.Equal(t, []string{asked}, s.server.asked)
	}
}

// What is wrong is said before the server is asked.
func TestSLASlips(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`--by: there is no split "users": did you mean user?`:                  {"sla", "report", "--by", "users"},
		`--day "yesterday" is not a day: write it as 2026-10-31`:               {"sla", "users", "--day", "yesterday"},
		`--window "soon" is not a duration`:                                    {"sla", "users", "--window", "soon"},
		`--org is given but empty`:                                             {"sla", "users", "--org", ""},
		`say what to change: --target, --objective, --time-zone or --hours`:    {"sla", "policy", "set", "--org", "acme", "--yes"},
		`name the org with --org`:                                              {"sla", "policy", "set", "--target", "5m"},
		`--objective "180" is not a percentage`:                                {"sla", "policy", "set", "--org", "acme", "--objective", "180"},
		`--hours: "mo-fri" names no days: use mon, tue`:                        {"sla", "policy", "set", "--org", "acme", "--hours", "mo-fri 09:00-18:00"},
		`--hours: "9-18" is not an interval: write for example 09:00-18:00`:    {"sla", "policy", "set", "--org", "acme", "--hours", "mon 9-18"},
		`--hours: "workdays" is not days and times: write for example mon-fri`: {"sla", "policy", "set", "--org", "acme", "--hours", "workdays"},
	} {
		s := newSession(t, world())
		got := s.run(t.Context(), args...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.err, want)
		require.Empty(t, s.server.asked)
	}
}

// A check that has nothing to judge is not fine, and one that rounds up lies.
func TestCheckSLA(t *testing.T) {
	t.Parallel()
	of := func(share *float64, n int64) map[string]reply {
		return map[string]reply{"GET /sla/report": list("sla_figures", admin.SLAFigures{Org: "acme", Objective: 0.8, Compliance: share, N: n, Pending: 2, Overdue: 1})}
	}
	for line, c := range map[string]struct {
		answers map[string]reply
		code    int
		says    string
	}{
		"sla --org acme --warn 97 --crit 95":   {of(new(0.99), 100), 0, "OK sla acme: met 99, n 100, "},
		"sla --org acme --warn 97 --crit  95":  {of(new(0.9699), 100), 1, "WARNING sla acme: met 96.9 (warning below 97), "},
		"sla --org acme --warn 97 --crit   95": {of(new(0.9499), 100), 2, "CRITICAL sla acme: met 94.9 (critical below 95), "},
		"sla --org acme":                       {of(new(0.7999), 100), 1, "met 79.9 (warning below 80)"},
		"sla --org acme --crit overdue=1":      {of(new(0.9), 100), 2, "overdue 1 (critical from 1)"},
		"sla --org  acme":                      {of(nil, 0), 3, "UNKNOWN sla acme: there is no verdict in the last 1h (2 pending)"},
		"sla --org acme --window 24h":          {map[string]reply{"GET /sla/report": list[admin.SLAFigures]("sla_figures")}, 3, "no customer asked anything in the last 24h"},
		"sla":                                  {of(new(0.9), 100), 3, "name the org with --org"},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, c.answers)
			got := s.run(t.Context(), append([]string{"check"}, strings.Fields(line)...)...)
			require.Equal(t, c.code, got.code, got.out)
			require.Contains(t, got.out, c.says)
		})
	}
}
