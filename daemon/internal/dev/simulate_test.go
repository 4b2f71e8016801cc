package dev_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/dev"
)

// Whoever tries an installation before it meets the real Meta takes what is
// printed as settings, and finds the simulator there until they stop it.
func TestSimulateAlone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	said, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- dev.Simulate(ctx, "127.0.0.1:0", out) }()
	lines := make([]byte, 1024)
	n, err := said.Read(lines)
	require.NoError(t, err)
	url, ok := strings.CutPrefix(strings.SplitN(string(lines[:n]), "\n", 2)[0], "INBOXD_META_GRAPH_URL=")
	require.True(t, ok, "%s", lines[:n])
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/sim/fixtures", http.NoBody)
	require.NoError(t, err)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	cancel()
	require.NoError(t, <-done)
}
