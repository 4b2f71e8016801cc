package daemon

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// A loop that does not come back must stop the watchdog, so that the service
// manager restarts the process; one whose turns fail must not.
func TestStuckLoopIsNotAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &Daemon{log: slog.New(slog.DiscardHandler), health: telemetry.NewHealth(nil)}
		d.o.Stuck = longestTurn
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		go d.every(ctx, time.Second, "failing", func(ctx context.Context) error {
			<-ctx.Done() // the database is away: every turn uses up its time
			return ctx.Err()
		})
		<-time.After(10 * time.Minute)
		require.True(t, d.health.Live().OK, "an outage is not cured by a restart")

		go d.every(ctx, time.Second, "stuck", func(context.Context) error { <-release; return nil })
		<-time.After(longestTurn)
		require.True(t, d.health.Live().OK)
		<-time.After(2 * time.Second)
		live := d.health.Live()
		require.False(t, live.OK)
		require.Equal(t, "stuck", live.Parts[1].Name)
		require.False(t, live.Parts[1].OK)
		close(release)
		cancel()
		synctest.Wait()
	})
}

// Only a door that is silent counts as stuck.
func TestKnockTellsSilenceFromRefusal(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	ill := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(ill.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 200 * time.Millisecond}
	t.Cleanup(client.CloseIdleConnections)
	require.False(t, knock(t.Context(), client, "http://"+silent.Addr().String()))
	require.True(t, knock(t.Context(), client, "http://127.0.0.1:1"), "refused at once")
	client.Timeout = longWait
	require.True(t, knock(t.Context(), client, ill.URL), "any answer is one")
}

const longWait = time.Minute
