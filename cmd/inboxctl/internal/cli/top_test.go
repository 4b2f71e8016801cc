package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// picture is a little of what live views draw.
func picture() admin.Top {
	windows := map[string]admin.TopTimes{"5m": {E2E: admin.Triple{N: 3, P95MS: new(1200.0)}}, "1h": {E2E: admin.Triple{N: 9, P95MS: new(3400.0)}}}
	return admin.Top{
		Epoch: "a", Seq: 7, GeneratedAt: at(), IntervalMS: 1000, Environment: "prod", Version: "v1.0.0",
		Vitals:  admin.Vitals{Depth: 12},
		Queues:  []admin.TopQueue{{ID: "whatsapp", Name: "whatsapp", Ready: 12, Paused: &admin.TopHold{Owner: "ana"}}, {ID: "instagram", Name: "instagram"}},
		Types:   []admin.TopLatency{{ID: "send_message", Name: "send_message", Windows: windows}},
		Orgs:    []admin.TopOrg{{ID: "acme", Name: "acme", Windows: windows, TopLimit: &admin.TopName{Name: "send_text", Share: 0.9}}},
		Workers: []admin.TopWorker{{ID: "17", Host: "node-b", State: "silent"}},
	}
}

func topSession(t *testing.T) *session {
	t.Helper()
	return newSession(t, map[string]reply{"GET /top": one("top", picture()), "GET /jobs": list("jobs", jobs()...)})
}

// top needs no terminal to be of use.
func TestTopOnce(t *testing.T) {
	t.Parallel()
	s := topSession(t)
	got := s.run(t.Context(), "top", "--once")
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, got.out, "whatsapp")
	require.Contains(t, got.out, "node-b")
	got = s.run(t.Context(), "top", "queues", "insta")
	require.NotContains(t, got.out, "whatsapp")
	require.Contains(t, got.out, "instagram")
	got = s.run(t.Context(), "top", "jobs", "state=dead")
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, s.server.asked, "GET /admin/v1/jobs?limit=100&state=dead")
	got = s.run(t.Context(), "top", "--plain", "--once")
	require.Contains(t, got.out, "Process 17 on node-b is silent.")
}

func TestTopForPrograms(t *testing.T) {
	t.Parallel()
	s := topSession(t)
	var envelope admin.One[admin.Top]
	got := s.run(t.Context(), "top", "--once", "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(got.out), &envelope), got.out)
	require.Equal(t, "top", envelope.Kind)
	require.Equal(t, picture().Queues, envelope.Item.Queues)

	for view, want := range map[string]string{"queues": "paused", "latency": "e2e.p95_ms", "orgs": "top_limit", "workers": "beat_age_ms", "sla": "burnt", "limits": "window_ms", "alerts": "severity", "jobs": "state"} {
		got = s.run(t.Context(), "top", view, "-o", "csv")
		require.Equal(t, 0, got.code, got.err)
		lines := strings.Split(got.out, "\n")
		require.Contains(t, strings.Split(lines[0], ","), want, view)
		for _, line := range lines[1 : len(lines)-1] {
			require.Equal(t, strings.Count(lines[0], ","), strings.Count(line, ","), "%s: %s", view, line)
		}
	}
	require.Contains(t, s.run(t.Context(), "top", "latency", "--window", "1h", "-o", "jsonl").out, `"p95_ms":3400`)
}

func TestTopRecordsAndPlays(t *testing.T) {
	t.Parallel()
	s := topSession(t)
	file := filepath.Join(t.TempDir(), "night.jsonl")
	require.Equal(t, 0, s.run(t.Context(), "top", "--once", "--record", file).code)
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(raw), "\n"))
	asked := len(s.server.asked)
	got := s.run(t.Context(), "top", "--once", "--replay", file)
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, got.out, "whatsapp")
	require.Len(t, s.server.asked, asked, "nobody is asked")
	require.Equal(t, 1, s.run(t.Context(), "top", "--replay", file+".not").code)

	away := newSession(t, map[string]reply{})
	require.NotZero(t, away.run(t.Context(), "top", "--once", "--record", file+".none").code)
	require.NoFileExists(t, file+".none")
}

func TestTopRefusesSlips(t *testing.T) {
	t.Parallel()
	s := topSession(t)
	for args, want := range map[string]string{
		"--interval 1ms": "use 500ms or more", "--window 2h": "1h", "--theme drak": "did you mean dark", "jbos": "did you mean jobs", "jobs ogr=acme": "try org",
		"jobs state=deed": "did you mean dead", "--fail-on critical": "use one of warn, crit", "--watch --fail-on crit": "use one of them", "--once --watch": "use one of them", "--record a --replay b": "only copy",
	} {
		got := s.run(t.Context(), append([]string{"top"}, strings.Fields(args)...)...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.err, want, args)
	}
}

// A script learns from the exit code that something is wrong; what could not be
// found out is not calm.
func TestTopFailsOnAlerts(t *testing.T) {
	t.Parallel()
	with := func(change func(*admin.Top), args ...string) result {
		p := picture()
		change(&p)
		return newSession(t, map[string]reply{"GET /top": one("top", p), "GET /jobs": list("jobs", jobs()...)}).run(t.Context(), append([]string{"top"}, args...)...)
	}
	calm := func(*admin.Top) {}
	warned := func(p *admin.Top) { p.Alerts = []admin.Alert{{ID: "a", Severity: "warning"}} }
	critical := func(p *admin.Top) {
		p.Alerts = []admin.Alert{{ID: "a", Severity: "warning"}, {ID: "b", Severity: "critical"}}
	}
	muted := func(p *admin.Top) { p.Alerts = []admin.Alert{{ID: "b", Severity: "critical", Muted: new(at())}} }
	broken := func(p *admin.Top) { p.Parts = []admin.TopPart{{Name: "alerts", Error: new("no answer")}} }
	for _, c := range []struct {
		top  func(*admin.Top)
		on   string
		code int
		says string
	}{
		{calm, "warn", 0, ""},
		{warned, "warn", 3, "1 warning"},
		{warned, "crit", 0, ""},
		{critical, "crit", 3, "1 critical alert"},
		{critical, "warn", 3, "1 critical alert, 1 warning"},
		{muted, "warn", 0, ""},
		{broken, "warn", 9, "whether there are alerts is not known: alerts: no answer"},
	} {
		got := with(c.top, "--fail-on", c.on)
		require.Equal(t, c.code, got.code, got.err)
		require.Contains(t, got.err, c.says)
		require.Contains(t, got.out, "whatsapp", "the table is printed all the same")
	}
	require.Equal(t, 3, with(critical, "jobs", "-o", "json", "--fail-on", "crit").code, "jobs alone do not tell")
}

// Other keys come from the environment; a slip in them is said before anything is
// drawn.
func TestTopTakesOtherKeys(t *testing.T) {
	t.Parallel()
	s := topSession(t)
	s.env["INBOXCTL_KEYS"] = "retry=r"
	got := s.run(t.Context(), "top")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "INBOXCTL_KEYS: retry=r: it changes something")
	s.env["INBOXCTL_KEYS"] = "down=n next_match=j"
	require.Equal(t, 0, s.run(t.Context(), "top").code)
}

// A server from before the live view is no fault of who looks.
func TestTopOfAnOlderServer(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{})
	got := s.run(t.Context(), "top", "--once")
	require.Equal(t, 5, got.code)
	require.Contains(t, got.err, "inboxctl status")
}
