package cli_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/cmd/inboxctl/internal/cli"
)

// What operators see, in every format, exactly.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"jobs_story":          {"jobs", "show", "4715"},
		"jobs_story_wide":     {"jobs", "show", "4715", "-o", "wide"},
		"jobs_why":            {"jobs", "why", "4713"},
		"jobs_why_free":       {"jobs", "why", "99"},
		"jobs_why_json":       {"jobs", "why", "4713", "-o", "json"},
		"jobs_count":          {"jobs", "count", "--by", "org"},
		"jobs_count_json":     {"jobs", "count", "--by", "org", "-o", "json"},
		"jobs_groups":         {"jobs", "groups", "--state", "dead"},
		"jobs_groups_wide":    {"jobs", "groups", "-o", "wide"},
		"jobs_groups_name":    {"jobs", "groups", "-o", "name"},
		"jobs_export":         {"jobs", "export", "--state", "dead"},
		"jobs_export_csv":     {"jobs", "export", "-o", "csv"},
		"events":              {"events", "--since", "1h"},
		"events_jsonl":        {"events", "-o", "jsonl"},
		"help_why":            {"jobs", "why", "--help"},
		"help_groups":         {"jobs", "groups", "--help"},
		"help_count":          {"jobs", "count", "--help"},
		"help_export":         {"jobs", "export", "--help"},
		"help_events":         {"events", "--help"},
		"misspelt_by":         {"jobs", "count", "--by", "orgs"},
		"status":              {"status"},
		"status_wide":         {"status", "-o", "wide"},
		"status_json":         {"status", "-o", "json"},
		"status_yaml":         {"status", "-o", "yaml"},
		"status_csv":          {"status", "-o", "csv"},
		"status_name":         {"status", "-o", "name"},
		"queues_list":         {"queues", "list"},
		"queues_list_wide":    {"queue", "list", "-o", "wide"},
		"queues_list_csv":     {"queues", "list", "-o", "csv"},
		"queues_list_name":    {"queues", "list", "-o", "name"},
		"jobs_list":           {"jobs", "list"},
		"jobs_list_wide":      {"jobs", "list", "-o", "wide"},
		"jobs_list_bare":      {"jobs", "list", "--no-headers"},
		"jobs_list_json":      {"jobs", "list", "-o", "json"},
		"jobs_list_jsonl":     {"jobs", "list", "-o", "jsonl"},
		"jobs_list_csv":       {"jobs", "list", "-o", "csv"},
		"jobs_list_name":      {"jobs", "list", "-o", "name"},
		"jobs_show":           {"jobs", "show", "4712"},
		"jobs_show_json":      {"job", "show", "4712", "-o", "json"},
		"jobs_retry_dry":      {"jobs", "retry", "--org", "acme", "--dry-run"},
		"jobs_retry_dry_wide": {"jobs", "retry", "--state", "dead", "--dry-run", "-o", "wide"},
		"jobs_retry_yes":      {"jobs", "retry", "--all", "--yes"},
		"jobs_retry_json":     {"jobs", "retry", "4712", "-o", "json"},
		"jobs_retry_csv":      {"jobs", "retry", "4712", "-o", "csv"},
		"jobs_retry_name":     {"jobs", "retry", "4712", "-o", "name"},
		"jobs_retry_detach":   {"jobs", "retry", "--all", "--yes", "--detach"},
		"jobs_retry_wrong":    {"jobs", "retry", "4714"},
		"jobs_retry_missing":  {"jobs", "retry", "5"},
		"jobs_cancel_dry":     {"jobs", "cancel", "--org", "acme", "--dry-run"},
		"jobs_cancel_yes":     {"jobs", "cancel", "--org", "acme", "--yes"},
		"jobs_cancel_json":    {"jobs", "cancel", "4713", "-o", "json"},
		"jobs_discard":        {"jobs", "discard", "--state", "held", "--yes"},
		"jobs_hold_yaml":      {"jobs", "hold", "4713", "-o", "yaml"},
		"jobs_release":        {"jobs", "release", "--org", "acme", "--yes"},
		"jobs_resolve":        {"jobs", "resolve", "4714", "--sent"},
		"jobs_resolve_many":   {"jobs", "resolve", "--older-than", "1d", "--not-sent", "--yes", "-o", "jsonl"},
		"queues_show":         {"queues", "show", "whatsapp"},
		"queues_show_json":    {"queues", "show", "whatsapp", "-o", "json"},
		"queues_pause":        {"queues", "pause", "whatsapp", "--for", "1h", "--type", "send_template", "--yes"},
		"queues_pause_dry":    {"queues", "pause", "whatsapp", "--for", "1h", "--dry-run"},
		"queues_resume":       {"queues", "resume", "whatsapp"},
		"queues_dial":         {"queues", "dial", "whatsapp", "25", "--yes"},
		"queues_dial_dry":     {"queues", "dial", "whatsapp", "25%", "--dry-run"},
		"queues_dial_json":    {"queues", "dial", "whatsapp", "25", "--yes", "-o", "json"},
		"orgs_pause":          {"orgs", "pause", "acme", "--queue", "whatsapp", "--for", "1h", "--reason", "INC-812", "--yes"},
		"orgs_pause_name":     {"orgs", "pause", "acme", "--yes", "-o", "name"},
		"orgs_pause_json":     {"orgs", "pause", "acme", "--yes", "-o", "json"},
		"orgs_resume":         {"orgs", "resume", "acme", "--hold", "7"},
		"orgs_holds":          {"orgs", "holds", "acme"},
		"orgs_holds_csv":      {"orgs", "holds", "-o", "csv"},
		"limits_list":         {"limits", "list"},
		"limits_list_wide":    {"limits", "list", "-o", "wide"},
		"limits_show":         {"limits", "show", "acme", "-o", "name"},
		"limits_show_json":    {"limits", "show", "--org", "acme", "-o", "jsonl"},
		"limits_set":          {"limits", "set", "--org", "acme", "send_text=120/min", "weight=2", "--for", "2h", "--yes"},
		"limits_set_dry":      {"limits", "set", "--org", "acme", "send_text=120/min", "--dry-run"},
		"limits_set_json":     {"limits", "set", "--org", "acme", "send_text=120/min", "--yes", "-o", "json"},
		"limits_reset":        {"limits", "reset", "--org", "acme", "--yes"},
		"jobs_retry_terms":    {"jobs", "retry", "--org", "acme", "--canary", "20", "--abort-if", "fail>10%", "--rate", "50/s", "--dry-run"},
		"limits_reset_brief":  {"limits", "reset", "--org", "acme", "--temporary", "--dry-run"},
		"limits_history":      {"limits", "history"},
		"channels_pause":      {"channels", "pause", "1200000000001", "--yes"},
		"channels_resume":     {"channels", "resume", "4"},
		"channels_token":      {"channels", "token", "4", "--token-file", "-"},
		"help_pause":          {"orgs", "pause", "--help"},
		"help_set":            {"limits", "set", "--help"},
		"help_cancel":         {"jobs", "cancel", "--help"},
		"orgs_list":           {"orgs", "list"},
		"orgs_list_wide":      {"orgs", "list", "-o", "wide"},
		"orgs_add":            {"orgs", "add", "acme", "--time-zone", "Europe/Madrid"},
		"users_list":          {"users", "list"},
		"users_add":           {"users", "add", "dana", "--org", "acme"},
		"channels_list":       {"channels", "list", "-o", "wide"},
		"channels_add":        {"channels", "add", "--org", "acme", "--kind", "whatsapp", "--id", "1200000000001", "--token-file", "-"},
		"tokens_create":       {"tokens", "create", "--org", "acme", "--user", "dana"},
		"tokens_json":         {"tokens", "create", "--org", "acme", "--user", "dana", "-o", "json"},
		"tokens_name":         {"tokens", "create", "--org", "acme", "--user", "dana", "-o", "name"},
		"version":             {"version"},
		"version_json":        {"version", "-o", "json"},
		"version_flag":        {"--version"},
		"help":                {"--help"},
		"alerts_list":         {"alerts", "list"},
		"alerts_list_wide":    {"alert", "list", "-o", "wide"},
		"alerts_list_json":    {"alerts", "list", "-o", "json"},
		"alerts_ack":          {"alerts", "ack", "limit_reached/acme/send_text", "--reason", "INC-812"},
		"alerts_mute":         {"alerts", "mute", "jobs_wait/whatsapp", "--for", "2h"},
		"alerts_mute_forever": {"alerts", "mute", "jobs_wait/whatsapp"},
		"alerts_test":         {"alerts", "test"},
		"help_mute":           {"alerts", "mute", "--help"},
		"help_status":         {"status", "--help"},
		"help_verb":           {"help", "context", "delete"},
		"help_retry":          {"jobs", "retry", "--help"},
		"help_discard":        {"jobs", "discard", "--help"},
		"help_hold":           {"jobs", "hold", "--help"},
		"help_release":        {"jobs", "release", "--help"},
		"help_resolve":        {"jobs", "resolve", "--help"},
		"help_ops":            {"ops", "--help"},
		"help_ops_list":       {"ops", "list", "--help"},
		"help_ops_show":       {"ops", "show", "--help"},
		"help_ops_watch":      {"ops", "watch", "--help"},
		"help_ops_abort":      {"ops", "abort", "--help"},
		"help_ops_undo":       {"ops", "undo", "--help"},
		"not_found":           {"jobs", "show", "5"},
		"misspelt_noun":       {"quues"},
		"misspelt_verb":       {"jobs", "lits"},
		"misspelt_flag":       {"jobs", "list", "--stat", "dead"},
		"misspelt_state":      {"jobs", "list", "--state", "ded"},
		"misspelt_case":       {"jobs", "list", "--state", "DEAD"},
		"misspelt_error":      {"jobs", "list", "--error", "transien"},
		"no_such_error":       {"jobs", "list", "--error", "nonsense"},
		"no_such_help":        {"jobs", "explode", "--help"},
		"latency":             {"latency"},
		"latency_wide":        {"latency", "--by", "org", "--window", "24h", "-o", "wide"},
		"latency_json":        {"latency", "--metric", "run", "-o", "json"},
		"latency_csv":         {"latency", "-o", "csv"},
		"help_latency":        {"latency", "--help"},
		"misspelt_window":     {"latency", "--window", "2m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, world())
			s.input = "EAAG-token\n"
			golden(t, name, args, s.run(t.Context(), args...))
		})
	}
}

// A terminal that cannot show more than ASCII gets no more, and the chart means
// the same.
func TestLatencyChart(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	s.env["LC_ALL"] = "en_GB.UTF-8"
	drawn := s.run(t.Context(), "latency").out
	golden(t, "latency_unicode", []string{"latency"}, s.run(t.Context(), "latency"))
	s.env["LC_ALL"] = "C"
	plain := s.run(t.Context(), "latency").out
	require.Equal(t, plain, strings.NewReplacer("▁", ".", "▂", ":", "▃", "-", "▄", "=", "▅", "+", "▆", "*", "▇", "#", "█", "@").Replace(drawn))
	for _, r := range plain {
		require.Less(t, r, rune(128))
	}
	require.Contains(t, s.server.asked[0], "by=type&window=5m")
	none := newSession(t, map[string]reply{"GET /latency": list[admin.LatencyItem]("latency")})
	require.Equal(t, "Nothing has ended in the last 5m.\n", none.run(t.Context(), "latency").err)
}

// When something is wrong the first line says so, and nothing unknown is 0.
func TestStatusOfTrouble(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{"GET /status": one("status", admin.Status{
		Version: "v1.0.0", Parts: []admin.Part{{Name: "postgres", Error: new("no answer")}},
	})})
	golden(t, "status_trouble", []string{"status"}, s.run(t.Context(), "status"))
	require.Contains(t, s.run(t.Context(), "status", "-o", "json").out, `"queues": null`)
}

// Names and rows of queues that are not known must not look like no queues.
func TestStatusRowsOfTrouble(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{"GET /status": one("status", admin.Status{Version: "v1.0.0"})})
	for _, format := range []string{"name", "csv"} {
		got := s.run(t.Context(), "status", "-o", format)
		require.Equal(t, 9, got.code)
		require.Empty(t, got.out)
		require.Contains(t, got.err, "the queues are not known")
	}
}

// A silent process and jobs to decide about are in the first line.
func TestStatusHeadline(t *testing.T) {
	t.Parallel()
	silent := status()
	silent.Processes[1].BeatAgeMS = 41_000
	s := newSession(t, map[string]reply{"GET /status": one("status", silent)})
	got := s.run(t.Context(), "status").out
	require.Contains(t, got, "at SERVER: healthy, 1 process silent, 1 uncertain, 7 dead, 300ms old\n")
	require.Contains(t, got, "worker  silent")
}

// Who looks at a job sees at the top only the trouble it is in now.
func TestJobsShowTellsLiveTrouble(t *testing.T) {
	t.Parallel()
	for state, c := range map[string]struct{ has, hasNot []string }{
		"dead":      {[]string{"error class   recipient_unreachable\n", "error code    131026\n", "error         Message"}, []string{"last error", "webhook"}},
		"scheduled": {[]string{"error class   recipient_unreachable\n"}, []string{"last error", "webhook"}},
		"uncertain": {[]string{"error class   recipient", "what next     Meta's status webhook settles it, or an operator (inboxctl jobs resolve); it is never sent again by itself\n"}, []string{"last error"}},
		"done":      {[]string{"last error    recipient_unreachable 131026 Message undeliverable\n"}, []string{"error class", "error code", "webhook"}},
		"running":   {[]string{"last error    recipient_unreachable 131026 Message undeliverable\n"}, []string{"error class", "webhook"}},
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			j := job()
			j.State = state
			s := newSession(t, map[string]reply{"GET /jobs/4712": one("job", j)})
			got := s.run(t.Context(), "jobs", "show", "4712").out
			for _, want := range c.has {
				require.Contains(t, got, want)
			}
			for _, no := range c.hasNot {
				require.NotContains(t, got, no)
			}
		})
	}
	j := job()
	j.State, j.ErrorClass, j.ErrorCode, j.Error = "done", new("ok"), nil, nil
	s := newSession(t, map[string]reply{"GET /jobs/4712": one("job", j)})
	require.NotContains(t, s.run(t.Context(), "jobs", "show", "4712").out, "last error")
}

// Empty answers say so to people and stay parseable for programs.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{
		"GET /jobs": list[admin.Job]("jobs"), "GET /orgs": list[admin.Org]("orgs"), "GET /users": list[admin.User]("users"),
		"GET /channels": list[admin.Channel]("channels"), "GET /queues": list[admin.Queue]("queues"),
	})
	for _, noun := range []string{"jobs", "orgs", "users", "channels", "queues", "context"} {
		got := s.run(t.Context(), noun, "list")
		require.Equal(t, 0, got.code)
		require.Empty(t, got.out)
		require.NotEmpty(t, got.err)
		got = s.run(t.Context(), noun, "list", "-o", "json")
		require.Contains(t, got.out, `"items": []`)
		got = s.run(t.Context(), noun, "list", "-o", "csv")
		require.Equal(t, 1, strings.Count(got.out, "\n"), "the header remains")
	}
}

// Each sort of fault has its exit code.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	for kind, code := range map[admin.Kind]int{
		admin.Internal: 1, admin.Invalid: 2, admin.Unauthorized: 4, admin.Forbidden: 4, admin.NotFound: 5, admin.Conflict: 6, admin.Temporary: 9,
	} {
		s := newSession(t, map[string]reply{"GET /orgs": problem(kind, "code", "a sentence")})
		got := s.run(t.Context(), "orgs", "list")
		require.Equal(t, result{code, "", "inboxctl: a sentence\n"}, got)
	}

	s := newSession(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, 130, s.run(ctx, "status").code)
	s.server.Close()
	require.Equal(t, 9, s.run(t.Context(), "status").code, "unreachable, even without a token")
	require.Equal(t, 9, s.run(t.Context(), "jobs", "retry", "5").code)
	require.Equal(t, 0, s.run(t.Context(), "version").code)
	require.Equal(t, 0, s.run(t.Context(), "completion", "bash").code)
	require.Equal(t, 0, s.run(t.Context()).code)
	require.Equal(t, 2, s.run(t.Context(), "status", "--server", "nonsense").code)
	require.Equal(t, 5, s.run(t.Context(), "status", "--context", "none").code)
}

// A script that reads the first lines of a list and closes the pipe is not an
// error.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	defer func() { _ = w.Close() }()
	var stderr bytes.Buffer
	code := cli.Run(t.Context(), cli.Env{
		In: strings.NewReader(""), Out: w, Err: &stderr, Getenv: func(name string) string { return s.env[name] }, Now: at,
		Build: cli.Build{Version: "v1.0.0"},
	}, []string{"jobs", "list"})
	require.Equal(t, 0, code)
	require.Empty(t, stderr.String())
}

// Two versions side by side are said once, on stderr, and work goes on.
func TestVersionSkew(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	s.version = "v0.9.0"
	got := s.run(t.Context(), "orgs", "list", "-o", "name")
	require.Equal(t, result{0, "acme\n", "warning: this is inboxctl v0.9.0, the server is inboxd v1.0.0\n"}, got)
}

// Colour is for terminals; nothing else may find escapes in its input.
func TestColour(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	require.NotContains(t, s.run(t.Context(), "status").out, "\x1b")
	s.colour = true
	require.Contains(t, s.run(t.Context(), "status").out, "\x1b[32mhealthy\x1b[0m")
}

// The first page is not the whole list: the limit is, and what is left is said.
func TestJobsListPages(t *testing.T) {
	t.Parallel()
	page := list("jobs", jobs()...)
	l, _ := page.body.(admin.List[admin.Job])
	l.Next = new("99")
	page.body = l
	s := newSession(t, map[string]reply{"GET /jobs": page})
	got := s.run(t.Context(), "jobs", "list", "--limit", "4", "--state", "dead")
	require.Equal(t, []string{"GET /admin/v1/jobs?limit=4&state=dead", "GET /admin/v1/jobs?cursor=99&limit=2&state=dead"}, s.server.asked)
	require.Equal(t, 5, strings.Count(got.out, "\n"))
	require.Contains(t, got.err, "--cursor 99")
}

// The secret of a channel never appears in what inboxctl prints.
func TestChannelTokenStaysSecret(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	s.input = "EAAG-canary\n"
	args := []string{"channels", "add", "--org", "acme", "--kind", "whatsapp", "--id", "120", "--business-id", "9", "--token-file", "-"}
	got := s.run(t.Context(), append(args, "-o", "json")...)
	require.Equal(t, 0, got.code)
	require.NotContains(t, got.out+got.err, "canary")
	require.Equal(t, []string{`POST /admin/v1/channels {"org":"acme","kind":"whatsapp","external_id":"120","business_id":"9","token":"EAAG-canary"}`}, s.server.asked)
	s.input = "\n"
	require.Equal(t, 2, s.run(t.Context(), args...).code, "an empty token is a slip")
}

// A command that hangs is cut off by --timeout.
func TestTimeout(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	got := s.run(t.Context(), "status", "--timeout", "1ns")
	require.Equal(t, 9, got.code)
	require.Contains(t, got.err, "did not answer within 1ns")
}
