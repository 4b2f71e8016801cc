package httpapi_test

import (
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/httpapi"
)

func serverOf(b *bundle) *http.Server { return httpapi.Server(b.api, slog.New(slog.DiscardHandler)) }

// listen serves on a free port until the test ends and returns the URL.
func listen(tb testing.TB, server *http.Server) string {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	tb.Cleanup(func() {
		require.NoError(tb, server.Close())
		require.ErrorIs(tb, <-done, http.ErrServerClosed)
	})
	return "http://" + listener.Addr().String()
}

// client returns a client whose connections end with the test.
func client(tb testing.TB) *http.Client {
	tb.Helper()
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}
