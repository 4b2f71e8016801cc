package cli_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// history is a server on which operations of every sort have been.
func history(t *testing.T) (*session, *fakeOps) {
	t.Helper()
	s, f := newOpsSession(t, func(f *fakeOps) {
		f.fails = map[string]string{"100": "the row\x1b[2J is broken"}
		f.locked = map[string]bool{"101": true, "102": true}
	})
	for _, args := range [][]string{
		{"jobs", "retry", "--org", "acme", "--reason", "Meta outage over", "--rate", "50/s", "--abort-if", "fail>10%", "--yes"},
		{"jobs", "retry", "--org", "globex", "--dry-run"},
		{"jobs", "resolve", "4714", "--resend"},
		{"jobs", "hold", "--org", "acme", "--state", "ready", "--yes"},
	} {
		require.NotContains(t, []int{1, 2}, s.run(t.Context(), args...).code, args)
	}
	f.edit(func(f *fakeOps) { f.actor, f.chunk = "local:1000", 40 })
	require.Equal(t, 0, s.run(t.Context(), "jobs", "cancel", "--org", "acme", "--yes", "--detach").code)
	return s, f
}

// What operators see of operations, exactly, and within a terminal of 80 cells;
// wide within 160.
func TestGoldenOfOperations(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"ops_list":           {"ops", "list"},
		"ops_list_wide":      {"ops", "list", "-o", "wide"},
		"ops_list_planned":   {"ops", "list", "--state", "planned,expired"},
		"ops_list_json":      {"ops", "list", "--limit", "1", "-o", "json"},
		"ops_list_csv":       {"op", "list", "-o", "csv"},
		"ops_list_name":      {"ops", "list", "-o", "name"},
		"ops_show":           {"ops", "show", "71"},
		"ops_show_running":   {"ops", "show", "75"},
		"ops_show_plan":      {"ops", "show", "72"},
		"ops_show_yaml":      {"ops", "show", "73", "-o", "yaml"},
		"ops_items":          {"ops", "show", "71", "--items", "failed"},
		"ops_items_skipped":  {"ops", "show", "71", "--items", "skipped", "-o", "csv"},
		"ops_items_name":     {"ops", "show", "71", "--items", "skipped", "-o", "name"},
		"ops_items_none":     {"ops", "show", "73", "--items", "failed"},
		"ops_watch":          {"ops", "watch", "75"},
		"ops_watch_jsonl":    {"ops", "watch", "75", "-o", "jsonl"},
		"ops_watch_partly":   {"ops", "watch", "71"},
		"ops_watch_plan":     {"ops", "watch", "72"},
		"ops_abort":          {"ops", "abort", "75", "--reason", "wrong org"},
		"ops_abort_ended":    {"ops", "abort", "71"},
		"ops_undo_dry":       {"ops", "undo", "74", "--dry-run"},
		"ops_undo":           {"ops", "undo", "74", "--yes"},
		"ops_undo_json":      {"ops", "undo", "74", "--yes", "-o", "json"},
		"ops_undo_not":       {"ops", "undo", "73", "--yes"},
		"ops_missing":        {"ops", "show", "999"},
		"ops_misspelt_state": {"ops", "list", "--state", "runnin"},
		"ops_misspelt_items": {"ops", "show", "71", "--items", "faild"},
		"ops_misspelt_verb":  {"ops", "und", "71"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := history(t)
			got := s.run(t.Context(), args...)
			golden(t, name, args, got)
			limit := map[bool]int{true: 160, false: 80}[slices.Contains(args, "wide")]
			if !slices.Contains(args, "-o") || slices.Contains(args, "wide") {
				for line := range strings.Lines(got.out) {
					require.LessOrEqual(t, text.Width(strings.TrimSuffix(line, "\n")), limit, line)
				}
			}
		})
	}
}

// The plan of a change with everything in it reads well in a narrow terminal and
// in a wide one.
func TestPlansFitTheTerminal(t *testing.T) {
	t.Parallel()
	for width, name := range map[int]string{40: "plan_40", 80: "plan_80", 160: "plan_160"} {
		s, f := newOpsSession(t)
		s.width = width
		f.warnings = []string{"the limit send_text of acme (60 per 1m0s) makes its 40 jobs take about 1m0s", "2 of the messages may have gone out before: customers may get them twice"}
		args := []string{"jobs", "retry", "--all", "--dry-run"}
		got := s.run(t.Context(), args...)
		golden(t, name, args, got)
		for line := range strings.Lines(got.out) {
			if !strings.HasPrefix(line, "Would ") { // The one sentence that a script may look for.
				require.LessOrEqual(t, text.Width(strings.TrimSuffix(line, "\n")), width)
			}
		}
	}
}

// An undo takes back what it can, asks with that number, and says what is too
// late.
func TestUndo(t *testing.T) {
	t.Parallel()
	s, f := newOpsSession(t)
	before := slices.Clone(f.jobs)
	require.Equal(t, 0, s.run(t.Context(), "jobs", "retry", "--all", "--yes").code)
	f.edit(func(f *fakeOps) { f.job("100").state, f.job("140").state = "running", "done" })

	got := s.run(t.Context(), "ops", "undo", "71")
	require.Equal(t, 7, got.code, "without a terminal")
	s.terminal, s.input = true, "n\n"
	got = s.run(t.Context(), "ops", "undo", "71")
	require.Equal(t, 7, got.code)
	require.Contains(t, got.err, "Left alone: 2 jobs, already run.\n")
	require.Contains(t, got.err, "Undo operation 71 for 40 jobs (acme 39, globex 1) on SERVER? [y/N] ")
	s.input = "y\n"
	got = s.run(t.Context(), "ops", "undo", "71")
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, got.out, "Undid operation 71 for 40 jobs (acme 39, globex 1).\nLeft alone: 2 jobs, already run.\n")
	f.job("100").state, f.job("140").state = "dead", "dead"
	require.Equal(t, before, f.jobs)
	require.Contains(t, s.run(t.Context(), "ops", "show", "71").out, "undone by     73\n")

	require.Equal(t, 6, s.run(t.Context(), "ops", "undo", "71").code, "only once")
	require.Equal(t, 5, s.run(t.Context(), "ops", "undo", "999").code)
}

// Nothing left to undo is a precondition that does not hold, not a success.
func TestUndoTooLate(t *testing.T) {
	t.Parallel()
	s, f := newOpsSession(t)
	require.Equal(t, 0, s.run(t.Context(), "jobs", "retry", "4712").code)
	f.edit(func(f *fakeOps) { f.job("4712").state = "done" })
	for _, flag := range []string{"--yes", "--dry-run"} {
		require.Equal(t, result{6, "", "inboxctl: nothing of operation 71 can be undone any more: 1 job already run\n"}, s.run(t.Context(), "ops", "undo", "71", flag))
	}
}

// last must be one's own: an operator who undoes another's work at three in the
// morning has two problems.
func TestLastIsOnesOwn(t *testing.T) {
	t.Parallel()
	s, _ := history(t) // 71 to 74 are of token 5, 72 is a plan; 75 is of local:1000.
	path := filepath.Join(s.home, "inboxctl", "config.json")
	for name, token := range map[string]string{"five": "inbx_operator_5_random_crc", "nine": "inbx_operator_9_random_crc", "odd": "secret"} {
		require.NoError(t, admin.AddContext(path, admin.Context{Name: name, Server: s.server.URL, Token: token}))
	}
	for _, word := range []string{"last", "-"} {
		require.Equal(t, "74\n", s.run(t.Context(), "ops", "show", word, "--context", "five", "-o", "name").out)
	}
	require.Equal(t, result{5, "", "inboxctl: there is no operation of yours (token:9): see `inboxctl ops list`\n"}, s.run(t.Context(), "ops", "undo", "last", "--yes", "--context", "nine"))
	got := s.run(t.Context(), "ops", "abort", "last", "--context", "odd")
	require.Equal(t, 5, got.code)
	require.Contains(t, got.err, "name one by its ID")
}

// The shell offers the ids of operations with what they are, and nothing when no
// server answers.
func TestCompletionOfOperations(t *testing.T) {
	t.Parallel()
	s, _ := history(t)
	got := s.run(t.Context(), "__complete", "ops", "watch", "")
	require.Equal(t, "75\tcancel running, 82 jobs, by local:1000\nlast\tyour newest one\n:36\n", got.out)
	got = s.run(t.Context(), "__complete", "ops", "undo", "")
	require.Contains(t, got.out, "74\thold done, 79 jobs, by token:5\n73\t")
	require.Contains(t, s.run(t.Context(), "__complete", "ops", "show", "71", "--items", "").out, "failed\n")
	require.Contains(t, s.run(t.Context(), "__complete", "ops", "list", "--state", "").out, "running\n")
	require.Contains(t, s.run(t.Context(), "__complete", "jobs", "discard", "--state", "").out, "held\n")
	s.server.Close()
	require.Equal(t, ":1\n", s.run(t.Context(), "__complete", "ops", "show", "").out)
}

// Without a terminal nothing is drawn; -v says now and then how far it is.
func TestProgressOutsideATerminal(t *testing.T) {
	t.Parallel()
	slow := func(f *fakeOps) { f.chunk, f.step = 9, 3*time.Second }
	s, _ := newOpsSession(t, slow)
	require.Empty(t, s.run(t.Context(), "jobs", "retry", "--all", "--yes").err)
	s, _ = newOpsSession(t, slow)
	got := s.run(t.Context(), "jobs", "retry", "--all", "--yes", "-v")
	require.Equal(t, "Retry: 21%, 9/42\nRetry: 64%, 27/42, 3.0/s, 5s left\n", got.err)
	require.NotContains(t, got.out, "%")
}

// On a terminal one line is drawn over, and is gone when the answer comes.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	s, _ := newOpsSession(t, func(f *fakeOps) { f.chunk = 12 })
	s.draw, s.width, s.env["LANG"] = true, 60, "en_GB.UTF-8"
	got := s.run(t.Context(), "jobs", "retry", "--all", "--yes", "--canary", "6", "--abort-if", "fail>20%")
	require.Equal(t, 0, got.code)
	require.Equal(t, "\r\x1b[2KRetry  14% ██░░░░░░░░░░░░░░░░ 6/42 canary 6/6 ran, 1 failed"+
		"\r\x1b[2KRetry  42% █████████████████░░░░░░░░░░░░░░░░░░░░░░░ 18/42"+
		"\r\x1b[2KRetry  71% ███████████████████░░░░░░░░ 30/42 12.0/s 1s left\r\x1b[2K", got.err)
	require.Contains(t, got.out, "Since then: 5 succeeded, 1 failed again.\n")
}
