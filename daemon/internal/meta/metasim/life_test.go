package metasim_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// Start and Stop can be called in any number and order without a leak.
func TestLife(t *testing.T) {
	t.Parallel()
	sim, err := metasim.New(metasim.Options{})
	require.NoError(t, err)
	require.Empty(t, sim.URL())
	require.NoError(t, sim.Start(t.Context()))
	url := sim.URL()
	require.NoError(t, sim.Start(t.Context()))
	require.Equal(t, url, sim.URL())
	require.NoError(t, sim.Stop(t.Context()))
	require.NoError(t, sim.Stop(t.Context()))
	require.Error(t, sim.Start(t.Context()))

	never, err := metasim.New(metasim.Options{})
	require.NoError(t, err)
	require.NoError(t, never.Stop(t.Context()))
	require.Error(t, never.Start(t.Context()))
}

// A taken port is an error that names it.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	first := start(t, metasim.Options{})
	second, err := metasim.New(metasim.Options{Listen: first.URL()[len("http://"):]})
	require.NoError(t, err)
	require.ErrorContains(t, second.Start(t.Context()), first.URL()[len("http://"):])
}

// Stopping cuts requests that hang and drains that wait.
func TestStopWhileBusy(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{Settings: metasim.Settings{}})
	addRule(t, sim, metasim.Rule{Effect: metasim.Hang})
	write(t, sim, 1)
	done := make(chan error, 2)
	go func() { done <- do(t, sim, waText("1.1")).err }()
	go func() { done <- sim.Drain(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, func() bool {
		sends := sim.Sends(0)
		return len(sends) == 1 && sends[0].Decision == metasim.Refused
	}, 5*time.Second, time.Millisecond)
	require.NoError(t, sim.Stop(t.Context()))
	require.Error(t, <-done)
	require.Error(t, <-done)
}

// The handler also works in somebody else's server.
func TestHandlerAlone(t *testing.T) {
	t.Parallel()
	sim, err := metasim.New(metasim.Options{})
	require.NoError(t, err)
	require.NoError(t, sim.AddAccount(metasim.Account{Kind: metasim.Instagram, ID: instagram, Token: igToken}))
	server := httptest.NewServer(sim.Handler())
	defer server.Close()
	c := igText("1.1")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+c.path, strings.NewReader(c.body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := server.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, 1, sim.Stats().Sends.Accepted)
}

func TestSettingsFaults(t *testing.T) {
	t.Parallel()
	_, err := metasim.New(metasim.Options{Settings: metasim.Settings{
		ReadShare: 1.1, BatchMax: 1001, TimeoutMS: -1, Late: metasim.Span{MinMS: 2, MaxMS: 1},
	}})
	for _, name := range []string{"read_share", "batch_max", "timeout_ms", "late"} {
		require.ErrorContains(t, err, name)
	}
	sim, err := metasim.New(metasim.Options{Settings: metasim.Usual()})
	require.NoError(t, err)
	require.Equal(t, 5000, sim.Settings().RetryMaxMS)
}

// Ids must not repeat when a run with the same seed meets the database of an
// earlier one: its messages would be taken for redeliveries.
func TestIDsDifferBetweenRuns(t *testing.T) {
	t.Parallel()
	id := func(at time.Time) string {
		sim := start(t, metasim.Options{Seed: 5, Now: func() time.Time { return at }})
		in, err := sim.Inbound(number, mira, "hi")
		require.NoError(t, err)
		return in.ProviderID
	}
	first := id(recorded)
	require.NotEqual(t, first, id(recorded.Add(time.Second)))
	require.Equal(t, first, id(recorded))
}
