package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// pages serves n jobs by falling id, and fails at the page that begins at broken.
func pages(t *testing.T, n, broken int) *session {
	t.Helper()
	s := newSession(t, nil)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := n
		if c := r.URL.Query().Get("cursor"); c != "" {
			before, _ := strconv.Atoi(c)
			from = before - 1
		}
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		if from == broken {
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(admin.Problem{Status: 503, Kind: admin.Temporary, Code: "database", Detail: "the database does not answer"})
			return
		}
		page := admin.List[admin.Job]{Kind: "jobs", Items: []admin.Job{}, AsOf: at()}
		for id := from; id > 0 && len(page.Items) < limit; id-- {
			page.Items = append(page.Items, admin.Job{ID: strconv.Itoa(id), Org: "acme", State: "dead"})
		}
		if last := from - len(page.Items); last > 0 {
			page.Next = new(strconv.Itoa(last + 1))
		}
		_ = json.NewEncoder(w).Encode(page)
	}))
	t.Cleanup(web.Close)
	s.env["INBOXCTL_SERVER"] = web.URL
	return s
}

// Every job is in the file exactly once, also when the export is cut off and gone
// on with.
func TestExportGoesOn(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"jsonl", "csv"} {
		s := pages(t, 2500, 500)
		path := filepath.Join(t.TempDir(), "jobs")
		got := s.run(t.Context(), "jobs", "export", "--out", path, "-o", format)
		require.Equal(t, 9, got.code, got.err)
		require.Contains(t, got.err, "exported 2000 jobs: go on with --cursor 501\n")
		require.Empty(t, got.out)
		again := pages(t, 2500, -1)
		got = again.run(t.Context(), "jobs", "export", "--out", path, "-o", format)
		require.Equal(t, 2, got.code)
		require.Contains(t, got.err, "exists already")
		got = again.run(t.Context(), "jobs", "export", "--out", path, "-o", format, "--cursor", "501")
		require.Equal(t, 0, got.code, got.err)
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		if format == "csv" {
			require.Contains(t, lines[0], "id,org")
			lines = lines[1:]
		}
		require.Len(t, lines, 2500)
		seen := map[string]bool{}
		for _, l := range lines {
			seen[l] = true
		}
		require.Len(t, seen, 2500)
	}
}

// An export ends where it was told to, and says how to go on.
func TestExportMax(t *testing.T) {
	t.Parallel()
	got := pages(t, 2500, -1).run(t.Context(), "jobs", "export", "--max", "1200")
	require.Equal(t, 0, got.code)
	require.Equal(t, 1200, strings.Count(got.out, "\n"))
	require.Contains(t, got.err, "go on with --cursor 1301")
}

// A full disk is said, and is not success.
func TestExportDiskFull(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	got := pages(t, 10, -1).run(t.Context(), "jobs", "export", "--out", "/dev/full")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.err, "no space left on device")
}

// A slip leaves no empty file behind.
func TestExportCreatesNothingInVain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jobs")
	require.Equal(t, 9, pages(t, 10, 10).run(t.Context(), "jobs", "export", "--out", path).code)
	require.NoFileExists(t, path)
	require.Equal(t, 2, pages(t, 10, -1).run(t.Context(), "jobs", "export", "-o", "yaml").code)
}

// A feed that breaks comes back by itself: nothing is lost, nothing shown twice,
// and Ctrl-C ends it.
func TestEventsComeBack(t *testing.T) {
	t.Parallel()
	s := newSession(t, nil)
	var calls atomic.Int64
	var since atomic.Pointer[string]
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(admin.VersionHeader, "v1.0.0")
		n := calls.Add(1)
		all := events()
		if n == 1 {
			all = all[:1]
		} else {
			since.Store(new(r.URL.Query().Get("since")))
		}
		for _, e := range all {
			raw, _ := json.Marshal(e)
			_, _ = fmt.Fprintf(w, "id: %s\ndata: %s\n\n", e.ID, raw)
		}
		if n > 1 {
			_ = http.NewResponseController(w).Flush()
			time.AfterFunc(200*time.Millisecond, cancel)
			<-r.Context().Done()
		}
	}))
	t.Cleanup(web.Close)
	s.env["INBOXCTL_SERVER"] = web.URL
	got := s.run(ctx, "events", "-f", "--since", "5m", "-o", "jsonl")
	require.Equal(t, 130, got.code)
	require.Equal(t, 2, strings.Count(got.out, "\n"), got.out)
	require.Contains(t, got.err, "trying again in 1s")
	require.Contains(t, got.err, "interrupted")
	require.Equal(t, at().Add(-70*time.Second).Format(time.RFC3339Nano), *since.Load(), "it goes on a little before what it saw last")
}

// A feed that cannot begin says so at once.
func TestEventsOfNoServer(t *testing.T) {
	t.Parallel()
	s := newSession(t, nil)
	s.env["INBOXCTL_SERVER"] = "unix://" + filepath.Join(t.TempDir(), "none.sock")
	require.Equal(t, 9, s.run(t.Context(), "events", "-f").code)
	require.Equal(t, 2, s.run(t.Context(), "events", "-f", "-o", "yaml").code)
	refuses := newSession(t, map[string]reply{"GET /events": problem(admin.NotFound, "org_not_found", "there is no org")})
	require.Equal(t, 5, refuses.run(t.Context(), "events", "-f", "--org", "acmee").code)
}

// `events -f | head -1` on a quiet night must not stay for hours after head has
// gone: nothing more is written that would tell it.
func TestFollowEndsWhenNobodyReads(t *testing.T) {
	t.Parallel()
	s := newSession(t, nil)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(admin.VersionHeader, "v1.0.0")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(web.Close)
	s.env["INBOXCTL_SERVER"] = web.URL
	s.left = func(context.Context) bool { return true }
	got := s.run(t.Context(), "events", "-f")
	require.Equal(t, result{}, got, "it ends as any program in a pipe, without a word")
	for _, flag := range []string{"--until=1h", "--cursor=1.a1", "--limit=5"} {
		require.Equal(t, 2, s.run(t.Context(), "events", "-f", flag).code)
	}
}
