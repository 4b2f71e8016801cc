package telemetry_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

var update = flag.Bool("update", false, "write the golden files")

func get(t *testing.T, handler http.Handler, method, path string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w.Code, w.Body.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestProbesAnswer(t *testing.T) {
	t.Parallel()
	h := telemetry.NewHealth(nil)
	h.Loop("claims", 15e9)
	h.AddReady(telemetry.Check{Name: "migrations", Run: func(context.Context) error { return nil }})
	h.AddReady(telemetry.Check{Name: "postgres", Run: func(context.Context) error { return errors.New("dial db.internal: refused") }})
	inside, outside := telemetry.Handler(h, telemetry.Registry(telemetry.Build{}), false), telemetry.Probes(h)

	status, body := get(t, inside, http.MethodGet, "/livez")
	require.Equal(t, http.StatusOK, status)
	golden(t, "livez.json", body)
	status, body = get(t, inside, http.MethodGet, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	golden(t, "readyz.json", body)

	// The public learns that the database is away, not where it is.
	status, body = get(t, outside, http.MethodGet, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	golden(t, "readyz_public.json", body)
	status, _ = get(t, outside, http.MethodGet, "/livez")
	require.Equal(t, http.StatusOK, status)
	status, _ = get(t, outside, http.MethodGet, "/metrics")
	require.Equal(t, http.StatusNotFound, status)
	status, _ = get(t, inside, http.MethodPost, "/readyz")
	require.Equal(t, http.StatusMethodNotAllowed, status)
}

func TestRegistryKnowsTheBuild(t *testing.T) {
	t.Parallel()
	registry := telemetry.Registry(telemetry.Build{Version: "v1.2.3", Commit: "abc"})
	problems, err := testutil.GatherAndLint(registry, "inboxd_build_info")
	require.NoError(t, err)
	require.Empty(t, problems)
	status, body := get(t, telemetry.Handler(telemetry.NewHealth(nil), registry, false), http.MethodGet, "/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Regexp(t, `inboxd_build_info\{commit="abc",go_version="go1[^"]+",version="v1.2.3"\} 1`, body)
	for _, name := range []string{"go_goroutines ", "process_open_fds ", "process_start_time_seconds "} {
		require.Contains(t, body, "\n"+name)
	}
}

func TestLoggerFormats(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	var level slog.LevelVar
	log := telemetry.Logger(&out, "json", &level)
	log.DebugContext(t.Context(), "hidden")
	level.Set(slog.LevelDebug)
	log.DebugContext(t.Context(), "shown", "queue", "whatsapp")
	require.Regexp(t, `^\{"time":"[^"]+","level":"DEBUG","msg":"shown","queue":"whatsapp"\}\n$`, out.String())
	out.Reset()
	telemetry.Logger(&out, "text", slog.LevelInfo).InfoContext(t.Context(), "shown", "n", 1)
	require.Regexp(t, `^time=\S+ level=INFO msg=shown n=1\n$`, out.String())
}
