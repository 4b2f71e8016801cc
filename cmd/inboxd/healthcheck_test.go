package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A container's health check has nothing but this: 0 when the process can work,
// 1 and the reason when not.
func TestHealthcheck(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/livez" {
			_, _ = w.Write([]byte(`{"ok":true,"parts":[]}`))
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"ok":false,"parts":[{"name":"postgres","ok":false,"error":"connection refused"},{"name":"accepting","ok":true}]}`))
	}))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"Ready", []string{"--metrics-listen", address}, exitFailed, "postgres: connection refused"},
		{"Live", []string{"--metrics-listen", address, "--live"}, exitOK, "ok"},
		{"Nobody", []string{"--metrics-listen", "127.0.0.1:1"}, exitFailed, "no answer"},
		{"BadSetting", []string{"--metrics-listen", "9091"}, exitConfig, "INBOXD_METRICS_LISTEN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			code := run(t.Context(), env{args: append([]string{"healthcheck"}, c.args...), stdout: &out, stderr: &out})
			require.Equal(t, c.code, code, out.String())
			require.Contains(t, out.String(), c.says)
		})
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":9091": "127.0.0.1:9091", "0.0.0.0:9091": "127.0.0.1:9091", "[::]:9091": "[::1]:9091", "10.0.0.1:9091": "10.0.0.1:9091", "localhost:1": "localhost:1",
	} {
		require.Equal(t, want, reachable(listen))
	}
}

// Packages install these pages; a page that lacks a command or a setting would
// be found out by nobody else.
func TestManualPages(t *testing.T) {
	t.Parallel()
	for section, wants := range map[string][]string{
		"8": {".TH INBOXD 8", "inboxd rotate\\-key", "inboxd migrate up", "inboxd healthcheck"},
		"5": {".TH INBOXD.YAML 5", "history_days", "INBOXD_SECRET_KEY"},
	} {
		var out bytes.Buffer
		require.Equal(t, exitOK, run(t.Context(), env{args: []string{"man", section}, stdout: &out, stderr: &out}))
		for _, want := range wants {
			require.Contains(t, out.String(), want)
		}
	}
}
