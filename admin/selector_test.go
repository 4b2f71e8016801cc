package admin_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/admin"
)

// What the operator selects is what the server understands: a selector that
// lost a part on its way would choose more jobs.
func TestSelectorSurvivesTheWire(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := func(name string) []string {
			return admin.SplitList(rapid.SliceOfN(rapid.StringMatching(`[a-z0-9._-]{1,12}`), 0, 3).Draw(t, name))
		}
		moment := func(name string) *time.Time {
			if !rapid.Bool().Draw(t, name+" given") {
				return nil
			}
			at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" ns")).UTC()
			return &at
		}
		s := admin.Selector{
			Org: words("org"), Queue: words("queue"), Type: words("type"), State: words("state"),
			Error: words("error"), User: words("user"), IDs: words("ids"),
			Since: moment("since"), Until: moment("until"),
		}
		if rapid.Bool().Draw(t, "older given") {
			ms := rapid.Int64Range(0, 1e12).Draw(t, "older")
			s.OlderThanMS = &ms
		}
		parsed, err := url.ParseQuery(s.Values().Encode())
		if err != nil {
			t.Fatal(err)
		}
		got, err := admin.ParseSelector(parsed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Fatal(diff)
		}
		if got.Empty() != (len(s.Values()) == 0) {
			t.Fatalf("Empty is wrong for %v", s)
		}
	})
}

// A query is foreign input: it is understood or refused, never a panic, and
// what is understood says the same again.
func FuzzParseSelector(f *testing.F) {
	f.Add("org=acme,globex&state=dead&since=2026-01-31T12:00:00Z")
	f.Add("older_than_ms=-1&ids=,,1,1&until=x")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		s, err := admin.ParseSelector(values)
		if err != nil {
			require.Equal(t, admin.Invalid, admin.KindOf(err))
			return
		}
		again, err := admin.ParseSelector(s.Values())
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(s, again))
	})
}

// A misspelt word should cost the operator one more try, not a look into a
// manual; a wrong suggestion is worse than none.
func TestNearest(t *testing.T) {
	t.Parallel()
	states := admin.JobStates()
	for word, want := range map[string]string{
		"ded": "dead", "dedd": "dead", "raedy": "ready", "uncertian": "uncertain", "retry": "retrying", "run": "running", "canceled": "cancelled",
		"xyz": "", "": "", "d": "", "DEAD": "dead", "Retry": "retrying",
	} {
		require.Equal(t, want, admin.Nearest(word, states), word)
	}
	require.Equal(t, "acme", admin.Nearest("acmee", []string{"globex", "acme"}))
}

// The words of the contract decide who may do what: unknown ones allow nothing.
func TestRoles(t *testing.T) {
	t.Parallel()
	all := []admin.Role{"", "root", admin.Viewer, admin.Operator, admin.Admin}
	for i, r := range all {
		for j, need := range all {
			require.Equal(t, i >= 2 && j >= 2 && i >= j, r.Allows(need), "%s for %s", r, need)
		}
	}
}

// HTTP status and exit code come from the kind alone, both ways.
func TestKinds(t *testing.T) {
	t.Parallel()
	for kind, want := range map[admin.Kind][2]int{
		admin.Internal: {500, 1}, admin.Invalid: {400, 2}, admin.Unauthorized: {401, 4}, admin.Forbidden: {403, 4},
		admin.NotFound: {404, 5}, admin.Conflict: {409, 6}, admin.Unprocessable: {422, 2}, admin.Throttled: {429, 1},
		admin.Temporary: {503, 9}, admin.Unreachable: {503, 9}, "other": {500, 1},
	} {
		require.Equal(t, want, [2]int{kind.Status(), kind.ExitCode()}, kind)
	}
	require.Equal(t, admin.Internal, admin.KindOf(nil))
}
