package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// goesOn is a list with more behind it.
func goesOn[T any](t *testing.T, r reply, next string) reply {
	t.Helper()
	page, ok := r.body.(admin.List[T])
	require.True(t, ok)
	page.Next = &next
	return reply{200, page}
}

// A page that was sorted is not the whole that was: who looks for the oldest must
// not take the oldest of fifty for it. What the server can sort it is asked to.
func TestSortIsOfTheWholeOrRefused(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{
		"GET /jobs": goesOn[admin.Job](t, list("jobs", jobs()...), "99"),
		"GET /orgs": goesOn[admin.Org](t, list("orgs", admin.Org{Name: "globex"}, admin.Org{Name: "acme"}), "1.3.acme"),
		"GET /ops":  goesOn[admin.Operation](t, list("operations", admin.Operation{ID: "7"}), "7"),
	})
	for _, format := range []string{"table", "json", "name"} {
		got := s.run(t.Context(), "jobs", "list", "--sort", "attempt:desc", "--limit", "2", "-o", format)
		require.Equal(t, 2, got.code)
		require.Empty(t, got.out)
		require.Contains(t, got.err, "--sort attempt:desc: there are more than these 2, and what is not here cannot be sorted: raise --limit, select fewer, or sort by what the server sorts by: age, age:desc, id, id:desc\n")
	}
	got := s.run(t.Context(), "ops", "list", "--sort", "state", "--limit", "1")
	require.Contains(t, got.err, "raise --limit, select fewer\n", "where the server sorts by nothing it is not offered")
	got = s.run(t.Context(), "jobs", "list", "--state", "done", "--sort", "age", "--limit", "2")
	require.Contains(t, got.err, "by: id, id:desc\n", "the age of what is finished is not its place")
	got = s.run(t.Context(), "jobs", "list", "--sort", "atempt", "--limit", "2")
	require.Contains(t, got.err, "did you mean attempt?", "a slip is told first")

	s.server.asked = nil
	got = s.run(t.Context(), "jobs", "list", "--sort", "id", "--limit", "2", "-o", "name")
	require.Equal(t, 0, got.code, got.err)
	got = s.run(t.Context(), "orgs", "list", "--sort", "dead:desc", "--limit", "2", "--prefix", "a", "-o", "name")
	require.Equal(t, result{0, "globex\nacme\n", ""}, got, "in the order of the server")
	got = s.run(t.Context(), "orgs", "list", "--limit", "2", "-o", "name")
	require.Equal(t, "globex\nacme\n", got.out)
	require.Equal(t, []string{
		"GET /admin/v1/jobs?limit=2&sort=oldest", "GET /admin/v1/orgs?limit=2&prefix=a&sort=dead", "GET /admin/v1/orgs?limit=2&sort=worst",
	}, s.server.asked)
}

// A script that asks for all and gets fifty must learn so; one that asked for two
// got what it wanted.
func TestRowsSayThatThereAreMore(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{"GET /orgs": goesOn[admin.Org](t, list("orgs", make([]admin.Org, 50)...), "0.0.acme")})
	for _, format := range []string{"table", "name", "csv", "jsonl"} {
		require.Contains(t, s.run(t.Context(), "orgs", "list", "-o", format).err, "There are more: raise --limit, or go on with --cursor 0.0.acme\n", format)
	}
	for _, format := range []string{"name", "csv", "jsonl"} {
		require.Empty(t, s.run(t.Context(), "orgs", "list", "--limit", "50", "-o", format).err, format)
	}
	for _, format := range []string{"json", "yaml"} {
		require.Empty(t, s.run(t.Context(), "orgs", "list", "-o", format).err, "it has next")
	}
}

// Numbers of a minute ago look like those of now: who decides by them must know.
func TestOldAnswersSayHowOld(t *testing.T) {
	t.Parallel()
	l := admin.List[admin.Org]{Kind: "orgs", Items: []admin.Org{{Name: "acme"}}, AsOf: at(), StaleMS: 12_000}
	s := newSession(t, map[string]reply{"GET /orgs": {200, l}})
	require.Equal(t, "This is how it was 12.0s ago.\n", s.run(t.Context(), "orgs", "list").err)
	require.Empty(t, s.run(t.Context(), "orgs", "list", "-o", "csv").err)
	l.StaleMS = 4_000
	s = newSession(t, map[string]reply{"GET /orgs": {200, l}})
	require.Empty(t, s.run(t.Context(), "orgs", "list").err)
}
