package cli_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// newOpsSession is a session with a server that keeps operations.
func newOpsSession(t *testing.T, edit ...func(*fakeOps)) (*session, *fakeOps) {
	t.Helper()
	f := newFakeOps()
	for _, e := range edit {
		e(f)
	}
	return newSession(t, map[string]reply{"ops": {body: f}}), f
}

// A change that is not agreed to must not happen, and each way to refuse has
// its exit code before the server is asked.
func TestRetryAsks(t *testing.T) {
	t.Parallel()
	plan := `POST /admin/v1/ops {"kind":"retry","selector":{"org":["acme"]},"all":false}`
	act := []string{plan, `POST /admin/v1/ops/71/commit {}`, `GET /admin/v1/ops/71`}
	for name, c := range map[string]struct {
		terminal bool
		input    string
		args     []string
		code     int
		asked    []string
	}{
		"Yes":         {true, "y\n", []string{"--org", "acme"}, 0, act},
		"No":          {true, "n\n", []string{"--org", "acme"}, 7, []string{plan}},
		"Nothing":     {true, "", []string{"--org", "acme"}, 7, []string{plan}},
		"NoTerminal":  {false, "y\n", []string{"--org", "acme"}, 7, nil},
		"TwoIDs":      {false, "", []string{"100", "101"}, 7, nil},
		"YesFlag":     {false, "", []string{"--org", "acme", "--yes"}, 0, act},
		"DryRun":      {false, "", []string{"--org", "acme", "--dry-run"}, 0, []string{plan}},
		"OneID":       {false, "", []string{"4712"}, 0, []string{`POST /admin/v1/ops {"kind":"retry","selector":{"ids":["4712"]},"all":false}`, act[1], act[2]}},
		"Empty":       {false, "", nil, 2, nil},
		"EmptyYes":    {false, "", []string{"--yes"}, 2, nil},
		"EmptyVar":    {false, "", []string{"--org", "", "--queue", "whatsapp", "--yes"}, 2, nil},
		"AllNoAnswer": {false, "", []string{"--all"}, 7, nil},
		"TooMany":     {true, "y\n", []string{"--org", "acme", "--max", "39"}, 6, []string{plan}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newOpsSession(t)
			s.terminal, s.input = c.terminal, c.input
			got := s.run(t.Context(), append([]string{"jobs", "retry"}, c.args...)...)
			require.Equal(t, c.code, got.code, got.err)
			require.Equal(t, c.asked, s.server.asked)
			if c.code != 0 {
				require.Empty(t, got.out)
			}
		})
	}
}

// Whoever answers the question must have seen the numbers, where it would
// happen, what may go wrong and whether there is a way back.
func TestQuestionsHaveTheNumbers(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"Retry 42 dead jobs (acme 40, globex 2) on SERVER? [y/N] ":                       {"jobs", "retry", "--all"},
		"Cancel 45 jobs (acme 45) on SERVER? [y/N] ":                                     {"jobs", "cancel", "--org", "acme"},
		"Discard 44 jobs (acme 42, globex 2) on SERVER? [y/N] ":                          {"jobs", "discard", "--all"},
		"Hold 42 jobs (acme 42) on SERVER? [y/N] ":                                       {"jobs", "hold", "--all"},
		"Release 2 held jobs (acme 2) on SERVER? [y/N] ":                                 {"jobs", "release", "--state", "held"},
		"Resolve 2 uncertain jobs as sent (acme 1, globex 1) on SERVER? [y/N] ":          {"jobs", "resolve", "4714", "4715", "--sent"},
		"Resolve 2 uncertain jobs by sending again (acme 1, globex 1) on SERVER? [y/N] ": {"jobs", "resolve", "--all", "--resend"},
		"Resolve 1 uncertain job as not sent (globex 1) on SERVER? [y/N] ":               {"jobs", "resolve", "--org", "globex", "--not-sent"},
		"Retry 3 dead jobs (globex 2, acme 1) on SERVER? [y/N] ":                         {"jobs", "retry", "--ids", "140,141,4712"},
		"Cancel 1 job (acme 1) on SERVER? [y/N] ":                                        {"jobs", "cancel", "4713", "4714"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			s, f := newOpsSession(t)
			s.terminal, s.input = true, "n\n"
			before := slices.Clone(f.jobs)
			got := s.run(t.Context(), args...)
			require.Equal(t, 7, got.code, got.err)
			require.Empty(t, got.out)
			require.Contains(t, got.err, "\n"+want+"inboxctl: not confirmed: nothing was changed\n")
			require.Contains(t, got.err, "Customers: ")
			require.Contains(t, got.err, "\nUndo: ")
			require.Equal(t, before, f.jobs)
			s.input = "y\n"
			require.Equal(t, 0, s.run(t.Context(), args...).code)
			require.NotEqual(t, before, f.jobs)
		})
	}
}

// Who is not asked must learn all the same that a retried job will wait; who was
// asked has read it.
func TestWarningsAreTold(t *testing.T) {
	t.Parallel()
	s, _ := newOpsSession(t, func(f *fakeOps) {
		f.warnings = []string{"1 jobs wait until a hold is released: acme is held by local:0"}
	})
	require.Contains(t, s.run(t.Context(), "jobs", "retry", "4712").out, "Warning: 1 jobs wait until a hold is released: acme is held by local:0.\n")
	s.terminal, s.input = true, "y\n"
	got := s.run(t.Context(), "jobs", "retry", "--org", "globex")
	require.Equal(t, 0, got.code)
	require.Contains(t, got.err, "Warning: ")
	require.NotContains(t, got.out, "Warning: ")
}

// The name of a context tells production from a laptop.
func TestQuestionNamesTheContext(t *testing.T) {
	t.Parallel()
	s, _ := newOpsSession(t)
	s.env["INBOXCTL_SERVER"] = ""
	path := filepath.Join(s.home, "inboxctl", "config.json")
	require.NoError(t, admin.AddContext(path, admin.Context{Name: "prod", Server: s.server.URL, Token: "t"}))
	s.terminal, s.input = true, "n\n"
	require.Contains(t, s.run(t.Context(), "jobs", "retry", "--all").err, " on prod? [y/N] ")
}

// A script must learn from the exit code alone whether everything was done, and
// from the answer how much, whatever the format.
func TestHowAnOperationEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit     func(*fakeOps)
		code     int
		out, err string
		state    string
	}{
		"All": {func(*fakeOps) {}, 0, "Retried 42 dead jobs (acme 40, globex 2).\n", "", "done"},
		"Failed": {
			func(f *fakeOps) { f.fails = map[string]string{"100": "boom", "140": "boom"} },
			3, "Retried 40 of 42 dead jobs (acme 40, globex 2).\nFailed: 2 jobs.\n",
			"inboxctl: 2 dead jobs could not be changed: see `inboxctl ops show 71 --items failed`\n", "done",
		},
		"Locked": {
			func(f *fakeOps) { f.locked = map[string]bool{"100": true} },
			3, "Retried 41 of 42 dead jobs (acme 40, globex 2).\nLeft alone: 1 job, busy with another change.\n",
			"inboxctl: 1 dead job left alone, busy with another change: repeat the command to go on\n", "done",
		},
		"Aborted": {
			func(f *fakeOps) { f.chunk, f.abortAt = 10, 20 },
			3, "Retried 20 of 42 dead jobs (acme 40, globex 2).\n",
			"inboxctl: the operation aborted after 20 of 42 dead jobs: over 10% failed again\n", "aborted",
		},
		"Nobody": {
			func(f *fakeOps) {
				f.jobs = slices.DeleteFunc(f.jobs, func(j fakeJob) bool { return j.state == "dead" })
			},
			0, "No dead job matches.\n", "", "planned",
		},
		"AnswerLost": {func(f *fakeOps) { f.drops = 1 }, 0, "Retried 42 dead jobs (acme 40, globex 2).\n", "", "done"},
		"Silent":     {func(f *fakeOps) { f.silences = 2 }, 0, "Retried 42 dead jobs (acme 40, globex 2).\n", "", "done"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newOpsSession(t, c.edit)
			got := s.run(t.Context(), "jobs", "retry", "--all", "--yes")
			require.Equal(t, c.code, got.code, got.err)
			require.True(t, strings.HasPrefix(got.out, c.out), got.out)
			require.Equal(t, c.err, got.err)
			s, _ = newOpsSession(t, c.edit)
			got = s.run(t.Context(), "jobs", "retry", "--all", "--yes", "-o", "json")
			require.Equal(t, c.code, got.code, got.err)
			require.Contains(t, got.out, `"state": "`+c.state+`"`)
			require.Contains(t, got.out, `"operation_id": "71"`)
		})
	}
}

// Nothing may be changed by a plan that no longer holds, and the way on is said.
func TestPlansThatDoNotHold(t *testing.T) {
	t.Parallel()
	s, f := newOpsSession(t, func(f *fakeOps) { f.expired = true })
	before := slices.Clone(f.jobs)
	s.terminal, s.input = true, "y\n"
	got := s.run(t.Context(), "jobs", "retry", "--all")
	require.Equal(t, 6, got.code)
	require.Contains(t, got.err, "inboxctl: the plan has expired, it holds for 10m0s: nothing was changed; plan again by repeating the command\n")
	require.Equal(t, before, f.jobs)

	s, f = newOpsSession(t)
	s.terminal = true
	s.typing = &typist{line: "y\n", before: func() {
		f.edit(func(f *fakeOps) {
			for i := range f.jobs {
				if f.jobs[i].state == "dead" {
					f.jobs[i].state = "ready" // Somebody else was faster.
				}
			}
		})
	}}
	got = s.run(t.Context(), "jobs", "retry", "--all")
	require.Equal(t, 6, got.code, got.err)
	require.Contains(t, got.out, "Retried 0 of 42 dead jobs")
	require.Contains(t, got.out, "Left alone: 42 jobs, changed since the plan.")
	require.Contains(t, got.err, "every job had changed since the plan")

	s, _ = newOpsSession(t)
	got = s.run(t.Context(), "jobs", "retry", "--all", "--yes", "--max", "41")
	require.Equal(t, result{6, "", "inboxctl: 42 dead jobs would be changed, more than --max 41: nothing was changed\n"}, got)
	require.Equal(t, 0, s.run(t.Context(), "jobs", "retry", "--all", "--yes", "--max", "42").code)
}

// typist does something before the line can be read.
type typist struct {
	before func()
	line   string
}

func (r *typist) Read(p []byte) (int, error) {
	if r.line == "" {
		return 0, io.EOF
	}
	r.before()
	n := copy(p, r.line)
	r.line = r.line[n:]
	return n, nil
}

// Ctrl-C must never stop what others rely on, nor leave somebody without the
// way back to it.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, f := newOpsSession(t, func(f *fakeOps) {
		f.chunk = 1
		f.onLook = func(n int) {
			if n == 2 {
				cancel()
			}
		}
	})
	got := s.run(ctx, "jobs", "retry", "--all", "--yes")
	require.Equal(t, result{130, "", "interrupted: the operation goes on: inboxctl ops watch 71, or stop it: inboxctl ops abort 71\n"}, got)
	require.Equal(t, admin.OpRunning, f.ops[0].State)

	s, f = newOpsSession(t)
	r, w := io.Pipe()
	defer func() { _ = w.Close() }()
	ctx, cancel = context.WithCancel(t.Context())
	s.terminal = true
	s.typing = &typist{line: "y", before: func() { cancel(); _, _ = r.Read(make([]byte, 1)) }}
	go func() { <-ctx.Done(); _ = w.CloseWithError(io.EOF) }()
	got = s.run(ctx, "jobs", "retry", "--all")
	require.Equal(t, 130, got.code, "at the question nothing was started")
	require.Contains(t, got.err, "interrupted: nothing was changed\n")
	require.NotContains(t, got.err, "goes on")
	require.Equal(t, admin.OpPlanned, f.ops[0].State)

	ctx, cancel = context.WithCancel(t.Context())
	s, f = newOpsSession(t, func(f *fakeOps) { f.chunk, f.onCommit = 1, cancel })
	got = s.run(ctx, "jobs", "retry", "--all", "--yes")
	require.Equal(t, 130, got.code, "a commit under way is waited for")
	require.Contains(t, got.err, "waiting to learn whether operation 71 has begun; Ctrl-C again leaves without knowing: inboxctl ops show 71\n")
	require.Contains(t, got.err, "interrupted: the operation goes on: inboxctl ops watch 71")
	require.Equal(t, admin.OpRunning, f.ops[0].State)
}

// --timeout bounds the waiting, not the operation; --detach does not wait at
// all. Both say how to come back.
func TestNotWaiting(t *testing.T) {
	t.Parallel()
	s, f := newOpsSession(t, func(f *fakeOps) { f.chunk = 1 })
	got := s.run(t.Context(), "jobs", "retry", "--all", "--yes", "--timeout", "3s")
	require.Equal(t, 8, got.code, got.err)
	require.Contains(t, got.out, "Operation 71 is running: ")
	require.Contains(t, got.err, "inboxctl: not done within --timeout 3s: the operation goes on: inboxctl ops watch 71, or stop it: inboxctl ops abort 71\n")
	require.Equal(t, admin.OpRunning, f.ops[0].State)

	got = s.run(t.Context(), "ops", "watch", "71", "--timeout", "2s", "-o", "json")
	require.Equal(t, 8, got.code, got.err)
	require.Contains(t, got.out, `"state": "running"`)

	s, _ = newOpsSession(t)
	got = s.run(t.Context(), "jobs", "retry", "--all", "--yes", "--detach", "-o", "name")
	require.Equal(t, result{0, "71\n", ""}, got)
	require.Len(t, s.server.asked, 2)
	got = s.run(t.Context(), "ops", "watch", "71")
	require.Equal(t, 0, got.code)
	require.Contains(t, got.out, "Retried 42 dead jobs (acme 40, globex 2).\n")
}

// What is asked of the server is exactly what was typed.
func TestTermsOfACommit(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`{}`:                           nil,
		`{"rate":50}`:                  {"--rate", "50/s"},
		`{"rate":0.5}`:                 {"--rate", "30/min"},
		`{"rate":0.25,"max":42}`:       {"--rate", "900/h", "--max", "42"},
		`{"abort_if":0.1}`:             {"--abort-if", "fail>10%"},
		`{"abort_if":0.25}`:            {"--abort-if", "fail > 0.25"},
		`{"abort_if":0}`:               {"--abort-if", "fail>0%"},
		`{"canary":20,"abort_if":0.5}`: {"--canary", "20", "--abort-if", "fail>50%"},
	} {
		s, _ := newOpsSession(t)
		got := s.run(t.Context(), append([]string{"jobs", "retry", "--all", "--yes"}, args...)...)
		require.Equal(t, 0, got.code, got.err)
		require.Equal(t, "POST /admin/v1/ops/71/commit "+want, s.server.asked[1])
	}
}

// Ids come from arguments, from files and from pipes; what is cut or is no id is
// refused.
func TestWhereIDsComeFrom(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ids")
	long := filepath.Join(t.TempDir(), "long")
	many := filepath.Join(t.TempDir(), "many")
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(file, []byte("100\n101, 102\r\n"), 0o600))
	require.NoError(t, os.WriteFile(long, []byte(strings.Repeat("1234567\n", 1<<17+1)), 0o600))
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	var b strings.Builder
	for i := range 120_000 {
		fmt.Fprintln(&b, 1_000_000+i)
	}
	require.NoError(t, os.WriteFile(many, []byte(b.String()), 0o600))
	for _, args := range [][]string{{"--ids", "100,101,102"}, {"--ids", file}, {"--ids", "-"}, {"100", "101", "102"}, {"-"}, {"100", "--ids", "101,102"}} {
		s, _ := newOpsSession(t)
		s.input = "100 101\n102"
		got := s.run(t.Context(), append([]string{"jobs", "retry", "--yes"}, args...)...)
		require.Equal(t, 0, got.code, got.err)
		require.Contains(t, got.out, "Retried 3 dead jobs (acme 3).")
	}
	for want, args := range map[string][]string{
		`--ids "nosuch" is neither ids nor a file of ids`:     {"--ids", "nosuch"},
		`is longer than 1024 KiB`:                             {"--ids", long},
		`120000 ids are too many for one request: split them`: {"--ids", many},
		`holds no ids`:               {"--ids", empty},
		`"x" is not the id of a job`: {"x"},
	} {
		s, _ := newOpsSession(t)
		got := s.run(t.Context(), append([]string{"jobs", "retry", "--yes"}, args...)...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.err, want)
		require.Empty(t, s.server.asked)
	}
}

// What is wrong is said, with what would be right, before the server is asked.
func TestSlipsOfBulk(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`--rate 0/s would never end: write for example 50/s`:                          {"--all", "--rate", "0/s"},
		`--rate 0 would never end`:                                                    {"--all", "--rate", "0"},
		`--rate -5/s would never end`:                                                 {"--all", "--rate=-5/s"},
		`--rate 1000000000000/s is more than 1000000/s`:                               {"--all", "--rate", "1000000000000/s"},
		`--rate "10^12" is not a rate: write for example 50/s`:                        {"--all", "--rate", "10^12"},
		`--rate "50" does not say per what: write 50/s, 50/min or 50/h`:               {"--all", "--rate", "50"},
		`--rate "5/day": there is no unit "day": write 5/s`:                           {"--all", "--rate", "5/day"},
		`--rate 1/h is too slow: use 4/h or more`:                                     {"--all", "--rate", "1/h"},
		`--rate "" is not a rate`:                                                     {"--all", "--rate", ""},
		`--rate "NaN/s" is not a rate`:                                                {"--all", "--rate", "NaN/s"},
		`--abort-if "nonsense" is not a condition: write for example 'fail>10%'`:      {"--all", "--abort-if", "nonsense"},
		`--abort-if "fail" is not a condition: write for example 'fail>10%', in quot`: {"--all", "--abort-if", "fail"},
		`--abort-if: there is no condition "failed": did you mean fail?`:              {"--all", "--abort-if", "failed>10%"},
		`--abort-if "fail>lots": "lots" is not a share`:                               {"--all", "--abort-if", "fail>lots"},
		`--abort-if "fail>10" could never be: use 0% to 99%`:                          {"--all", "--abort-if", "fail>10"},
		`--abort-if "fail>-1%" could never be`:                                        {"--all", "--abort-if", "fail>-1%"},
		`--canary -1 is not possible: use 1 to 1000 jobs`:                             {"--all", "--canary", "-1"},
		`--canary 0 is not possible`:                                                  {"--all", "--canary", "0"},
		`--canary "some" is not a whole number`:                                       {"--all", "--canary", "some"},
		`--max 0 is not possible: use 1 or more jobs`:                                 {"--all", "--max", "0"},
		`--max "1e9" is not a whole number`:                                           {"--all", "--max", "1e9"},
		`--since "yesterday" is not a time`:                                           {"--since", "yesterday"},
		`nothing is selected: say which jobs, for example --org acme`:                 {"--yes"},
		`--state: only dead jobs can be retried, not ready ones`:                      {"--state", "ready"},
		`--state: there is no state "ded": did you mean dead?`:                        {"--state", "ded"},
		`there is no flag --cannary: did you mean --canary?`:                          {"--all", "--cannary", "5"},
		`--reason is longer than 500 bytes`:                                           {"--all", "--yes", "--reason", strings.Repeat("x", 501)},
	} {
		s, _ := newOpsSession(t)
		got := s.run(t.Context(), append([]string{"jobs", "retry"}, args...)...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.err, want, args)
		require.Empty(t, s.server.asked)
	}
	for want, args := range map[string][]string{
		`--state: only dead and held jobs can be discarded, not ready ones`:          {"discard", "--state", "ready"},
		`--state: only scheduled, ready and dispatched jobs can be held, not dead `:  {"hold", "--state", "dead"},
		`--state: only held jobs can be released, not dead ones`:                     {"release", "--state", "dead"},
		`--state: only uncertain jobs can be resolved, not dead ones`:                {"resolve", "--state", "dead", "--sent"},
		`say what became of the message: one of --sent, --not-sent, --resend`:        {"resolve", "5"},
		`say what became of the message: one of --sent, --not-sent, --resend `:       {"resolve", "5", "--sent", "--resend"},
		`--canary: jobs do not run after a cancel, so there is nothing to wait for`:  {"cancel", "--all", "--canary", "5"},
		`--canary: jobs as not sent do not run after a resolve`:                      {"resolve", "--all", "--not-sent", "--canary", "5"},
		`nothing is selected: say which jobs, for example --org acme, or every held`: {"release", "--yes"},
	} {
		s, _ := newOpsSession(t)
		got := s.run(t.Context(), append([]string{"jobs"}, args...)...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.err, strings.TrimSpace(want), args)
		require.Empty(t, s.server.asked)
	}
}

// What only the server knows keeps its exit code and its words.
func TestFaultsOfPlans(t *testing.T) {
	t.Parallel()
	s, _ := newOpsSession(t)
	require.Equal(t, result{5, "", "inboxctl: there is no org \"acmee\": did you mean acme?\n"}, s.run(t.Context(), "jobs", "retry", "--org", "acmee", "--yes"))
	require.Equal(t, result{5, "", "inboxctl: there is no job 5\n"}, s.run(t.Context(), "jobs", "retry", "5"))
	got := s.run(t.Context(), "jobs", "retry", "4713")
	require.Equal(t, result{6, "", "inboxctl: only dead jobs can be retried; this is ready\n"}, got)
	got = s.run(t.Context(), "jobs", "retry", "4714")
	require.Equal(t, 6, got.code)
	require.Contains(t, got.err, "settle it with `inboxctl jobs resolve ID`")

	old := newSession(t, nil)
	for _, args := range [][]string{
		{"jobs", "retry", "--all", "--yes"},
		{"jobs", "retry", "7"},
		{"ops", "list"},
		{"ops", "show", "7"},
		{"ops", "show", "7", "--items", "failed"},
		{"ops", "watch", "7"},
		{"ops", "abort", "7"},
		{"ops", "undo", "7", "--yes"},
	} {
		require.Equal(t, result{1, "", "inboxctl: this server is older than inboxctl and has no operations: update inboxd\n"}, old.run(t.Context(), args...), args)
	}
}

// What has run cannot be taken back: the way to try is not offered.
func TestUndoIsOfferedWhileItCanBe(t *testing.T) {
	t.Parallel()
	for ran, offered := range map[int64]bool{0: true, 41: true, 42: false} {
		s, f := newOpsSession(t)
		require.Equal(t, 0, s.run(t.Context(), "jobs", "retry", "--all", "--yes").code)
		f.ops[0].Progress.Succeeded = &ran
		got := s.run(t.Context(), "ops", "watch", "71")
		require.Equal(t, offered, strings.Contains(got.out, "inboxctl ops undo 71"), got.out)
	}
}
