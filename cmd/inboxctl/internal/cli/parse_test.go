package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

var errRan = errors.New("ran")

// parse runs one command line against one command whose run is replaced by a
// function that keeps the options, and returns them.
func parse[O any](t *testing.T, build func(*app, func(context.Context, O) error) *cobra.Command, args ...string) (got O, err error) {
	t.Helper()
	a := &app{
		Env:   Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }, Now: clock},
		lines: bufio.NewReader(strings.NewReader("21 22\n23\n")),
	}
	cmd := build(a, func(_ context.Context, o O) error { got = o; return errRan })
	root := &cobra.Command{Use: "inboxctl", SilenceErrors: true, SilenceUsage: true}
	a.addGlobalFlags(root)
	root.AddCommand(cmd)
	root.SetArgs(append([]string{cmd.Name()}, args...))
	err = root.ExecuteContext(t.Context())
	if errors.Is(err, errRan) {
		err = nil
	}
	return got, err
}

func clock() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }

// slip asserts that a command line is refused as a usage error that says want.
func slip[O any](t *testing.T, want string, build func(*app, func(context.Context, O) error) *cobra.Command, args ...string) {
	t.Helper()
	_, err := parse(t, build, args...)
	require.ErrorContains(t, err, want)
}

func TestParseGlobalFlags(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newStatusCmd, "--server", "unix:///x", "--token-file", "f", "--context", "prod", "--config", "c", "--timeout", "3s", "-o", "json", "--no-headers")
	require.NoError(t, err)
	want := globalFlags{server: "unix:///x", tokenFile: "f", context: "prod", config: "c", timeout: 3 * time.Second, output: "json", noHeaders: true}
	require.Equal(t, want, o.flags)
	slip(t, "did you mean json", newStatusCmd, "-o", "jsno")
	slip(t, "not a time to wait", newStatusCmd, "--timeout", "0s")
	slip(t, "not a time to wait", newStatusCmd, "--timeout", "-1s")
	o, err = parse(t, newStatusCmd)
	require.NoError(t, err)
	require.Zero(t, o.flags.timeout, "each call then takes what it deserves")
}

func TestParseTakesNoArguments(t *testing.T) {
	t.Parallel()
	slip(t, "takes no argument", newStatusCmd, "x")
	slip(t, `there is no view "x"`, newTopCmd, "x")
	slip(t, "takes no argument", newQueuesListCmd, "x")
	slip(t, "takes no argument", newJobsListCmd, "x")
	slip(t, "takes no argument", newOrgsListCmd, "x")
	slip(t, "takes no argument", newUsersListCmd, "x")
	slip(t, "takes no argument", newChannelsListCmd, "x")
	slip(t, "takes no argument", newChannelsAddCmd, "EAAG-on-the-command-line")
	slip(t, "takes no argument", newTokensCreateCmd, "x")
	slip(t, "takes no argument", newLoginCmd, "x")
	slip(t, "takes no argument", newContextListCmd, "x")
	slip(t, "takes no argument", newContextCurrentCmd, "x")
	slip(t, "takes no argument", newVersionCmd, "x")
	slip(t, "takes no argument", newOpsListCmd, "x")
	slip(t, "takes no argument", newOpsUndoCmd, "71", "72")
}

func TestParseNeedsArguments(t *testing.T) {
	t.Parallel()
	slip(t, "needs the NAME of the org", newOrgsAddCmd)
	slip(t, "needs the NAME of the user", newUsersAddCmd)
	slip(t, "needs the ID of a job", newJobsShowCmd)
	slip(t, "needs the NAME of a context", newContextUseCmd)
	slip(t, "needs the NAME of a context", newContextDeleteCmd)
	slip(t, "needs the ID of an operation", newOpsShowCmd)
	slip(t, "needs the ID of an operation", newOpsWatchCmd)
	slip(t, "needs the ID of an operation", newOpsAbortCmd)
	slip(t, "needs the ID of an operation", newOpsUndoCmd)
	slip(t, "the ID of an operation is given but empty", newOpsUndoCmd, "")
	slip(t, "the ID of a job is given but empty", newJobsShowCmd, "")
	slip(t, "the ID of a job is given but empty", newJobsWhyCmd, "")
	slip(t, "takes no argument", newContextUseCmd, "a", "b")
}

func TestParseOrgsAdd(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newOrgsAddCmd, "acme", "--sla-target", "10m", "--sla-objective", "0.9", "--time-zone", "Europe/Madrid", "--reason", "new", "--yes")
	require.NoError(t, err)
	require.Equal(t, []any{"acme", 10 * time.Minute, 0.9, "Europe/Madrid", changeFlags{yes: true, reason: "new"}},
		[]any{o.name, o.target, o.objective, o.zone, o.change})
}

func TestParseUsersAdd(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newUsersAddCmd, "dana", "--org", "acme")
	require.NoError(t, err)
	require.Equal(t, []string{"dana", "acme"}, []string{o.name, o.org})
}

func TestParseUsersList(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newUsersListCmd, "--org", "acme")
	require.NoError(t, err)
	require.Equal(t, "acme", o.org)
}

func TestParseChannelsList(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newChannelsListCmd, "--org", "acme")
	require.NoError(t, err)
	require.Equal(t, "acme", o.org)
}

// The token of the server and Meta's must not be mixed up.
func TestParseChannelsAdd(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newChannelsAddCmd, "--org", "acme", "--kind", "whatsapp", "--id", "120", "--business-id", "9", "--token-file", "-")
	require.NoError(t, err)
	require.Equal(t, []string{"acme", "whatsapp", "120", "9", "-", ""}, []string{o.org, o.kind, o.id, o.business, o.accessTokenFile, o.flags.tokenFile})
}

func TestParseTokensCreate(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newTokensCreateCmd, "--org", "acme", "--user", "dana", "--expires-in", "30d")
	require.NoError(t, err)
	r, err := o.request()
	require.NoError(t, err)
	require.Equal(t, admin.TokenCreate{Org: "acme", User: "dana", ExpiresInMS: 30 * 24 * 3600 * 1000}, r)
}

func TestParseLogin(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newLoginCmd, "--server", "https://inboxd.example:9443", "--token-file", "-", "--protected", "--read-only", "--colour", "red")
	require.NoError(t, err)
	x, err := o.entry()
	require.NoError(t, err)
	require.Equal(t, admin.Context{Name: "inboxd.example", Server: "https://inboxd.example:9443", Token: "21 22\n23", Protected: true, ReadOnly: true, Colour: "red"}, x)
}

func TestParseContextUse(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newContextUseCmd, "prod")
	require.NoError(t, err)
	require.Equal(t, "prod", o.name)
}

func TestParseTop(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newTopCmd, "--once", "--interval", "5s")
	require.NoError(t, err)
	require.Equal(t, []any{true, 5 * time.Second}, []any{o.once, o.interval})
}

func TestParseJobsShow(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newJobsShowCmd, "7")
	require.NoError(t, err)
	require.Equal(t, "7", o.id)
}

func TestParseJobsList(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newJobsListCmd, "--org", "acme,globex", "--queue", "whatsapp", "--type", "send_message", "--state", "dead", "--state", "retrying",
		"--error", "media", "--user", "dana", "--since", "2h", "--until", "2026-02-01", "--older-than", "1d", "--ids", "-", "--limit", "7", "--cursor", "9")
	require.NoError(t, err)
	got, err := o.selector.selector(o.app)
	require.NoError(t, err)
	since, until, older := clock().Add(-2*time.Hour), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), int64(86_400_000)
	want := admin.Selector{
		Org: []string{"acme", "globex"}, Queue: []string{"whatsapp"}, Type: []string{"send_message"}, State: []string{"dead", "retrying"},
		Error: []string{"media"}, User: []string{"dana"}, Since: &since, Until: &until, OlderThanMS: &older, IDs: []string{"21", "22", "23"},
	}
	require.Empty(t, cmp.Diff(want, got))
	require.Equal(t, []any{7, "9"}, []any{o.limit, o.cursor})
}

func TestParseJobsRetry(t *testing.T) {
	t.Parallel()
	o, err := parse(t, newJobsRetryCmd, "7", "8", "--org", "acme", "--dry-run", "--yes", "--reason", "outage over")
	require.NoError(t, err)
	r, _, err := o.check(retryVerb())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(admin.PlanRequest{
		Kind: admin.OpRetry, Selector: admin.Selector{Org: []string{"acme"}, IDs: []string{"7", "8"}}, Reason: "outage over",
	}, r))
	require.True(t, o.dryRun)

	for want, args := range map[string][]string{
		"nothing is selected":        nil,
		"--org is given but empty":   {"--org", ""},
		"only dead jobs":             {"--state", "ready"},
		"did you mean uncertain":     {"--state", "uncertan"},
		"did you mean dead":          {"--state", "DEAD"},
		"did you mean window_closed": {"--error", "window_close"},
		`"x" is not the id`:          {"x"},
		`"0" is not the id`:          {"--ids", "0"},
		`--since "yesterday" is not a time: use an age such as 24h, a day such as 2026-01-30, or 2026-01-30T15:04:05Z`: {"--since", "yesterday"},
		`--since 2h is not before --until 3h: there is nothing between them`:                                           {"--since", "2h", "--until", "3h"},
		`--older-than "-5m"`:               {"--older-than", "-5m"},
		`--older-than "999999d"`:           {"--older-than", "999999d"},
		"did you mean send_message":        {"--type", "send_messages"},
		"--older-than is given but empty":  {"--older-than", ""},
		`--until "2026-13-01" is not a ti`: {"--until", "2026-13-01"},
	} {
		o, err := parse(t, newJobsRetryCmd, args...)
		require.NoError(t, err)
		_, _, err = o.check(retryVerb())
		require.ErrorContains(t, err, want)
		require.Equal(t, admin.ExitUsage, exitCode(t.Context(), err), want)
	}
}

// Every verb takes the same flags, and sends its own word.
func TestParseVerbs(t *testing.T) {
	t.Parallel()
	args := []string{"--all", "--rate", "50/s", "--abort-if", "fail>10%", "--max", "1000", "--detach", "-v", "--timeout", "5m"}
	check := func(o bulkOptions, err error, v verb) {
		require.NoError(t, err)
		r, terms, err := o.check(v)
		require.NoError(t, err)
		require.Equal(t, admin.PlanRequest{Kind: v.kind, All: true}, r)
		require.Equal(t, admin.CommitRequest{Rate: 50, AbortIf: new(0.1), Max: new(int64(1000))}, terms)
		require.Equal(t, []any{true, true, 5 * time.Minute}, []any{o.pace.detach, o.pace.verbose, o.flags.timeout})
		require.Contains(t, admin.OperationKinds(), v.kind)
	}
	retry, err := parse(t, newJobsRetryCmd, args...)
	check(*retry, err, retryVerb())
	cancel, err := parse(t, newJobsCancelCmd, args...)
	check(*cancel, err, cancelVerb())
	discard, err := parse(t, newJobsDiscardCmd, args...)
	check(*discard, err, discardVerb())
	hold, err := parse(t, newJobsHoldCmd, args...)
	check(*hold, err, holdVerb())
	release, err := parse(t, newJobsReleaseCmd, args...)
	check(*release, err, releaseVerb())
	resolve, err := parse(t, newJobsResolveCmd, append(args, "--not-sent")...)
	check(resolve.bulkOptions, err, resolveVerb(admin.AsNotSent))
	as, err := resolve.as()
	require.NoError(t, err)
	require.Equal(t, admin.AsNotSent, as)
}

func TestParseOps(t *testing.T) {
	t.Parallel()
	list, err := parse(t, newOpsListCmd, "--state", "running,done", "--limit", "7", "--cursor", "9")
	require.NoError(t, err)
	states, err := list.states()
	require.NoError(t, err)
	require.Equal(t, []any{[]string{"running", "done"}, 7, "9"}, []any{states, list.limit, list.cursor})
	show, err := parse(t, newOpsShowCmd, "71", "--items", "failed", "--limit", "7")
	require.NoError(t, err)
	require.Equal(t, []any{"71", "failed", 7}, []any{show.id, show.items, show.limit})
	watch, err := parse(t, newOpsWatchCmd, "last", "-v")
	require.NoError(t, err)
	require.Equal(t, []any{"last", true}, []any{watch.id, watch.pace.verbose})
	abort, err := parse(t, newOpsAbortCmd, "-", "--reason", "x", "--yes")
	require.NoError(t, err)
	require.Equal(t, []any{"-", changeFlags{yes: true, reason: "x"}}, []any{abort.id, abort.change})
	undo, err := parse(t, newOpsUndoCmd, "71", "--dry-run", "--rate", "10/s", "--detach")
	require.NoError(t, err)
	require.Equal(t, []any{"71", true, "10/s", true}, []any{undo.id, undo.dryRun, undo.pace.rate, undo.pace.detach})
}

// An operation of a kind that this version does not know can still be watched.
func TestVerbOfEveryKind(t *testing.T) {
	t.Parallel()
	for _, kind := range append(admin.OperationKinds(), "from_the_future") {
		v := verbOf(admin.Operation{Kind: kind})
		require.Equal(t, kind, v.kind)
		require.NotEmpty(t, v.job)
		require.NotEmpty(t, v.done)
	}
}

// What people read keeps its unit, and what is not known stays empty.
func TestHumanTimes(t *testing.T) {
	t.Parallel()
	half, many := 0.5, int64(367_200_000)
	require.Equal(t, []string{"", "0.50ms", "4d06h"}, []string{msOf[int64](nil), msOf(&half), msOf(&many)})
	later := clock().Add(time.Minute)
	require.Equal(t, []string{"", "in 1m00s", "1m00s ago"}, []string{agoText(nil, clock()), agoText(&later, clock()), agoText(new(clock()), later)})
}

// Names in wide letters must not push the columns beside them out of line, and
// what comes from outside must not steer the terminal.
func TestTableMeasuresCells(t *testing.T) {
	t.Parallel()
	columns := []column[string]{
		{name: "NAME", cell: func(s string, _ time.Time) string { return s }},
		{name: "N", right: true, cell: func(string, time.Time) string { return "7" }},
	}
	var b bytes.Buffer
	writeTable(&b, columns, []string{"日本企業", "\x1b[31mred\u202e", ""}, clock(), false, true)
	require.Equal(t, "NAME      N\n日本企業  7\nred       7\n-         7\n", b.String())
}
