package metasim_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// BenchmarkSendWithStatuses is the price of one accepted WhatsApp send with its
// three status webhooks, client and receiver included. The simulator shares
// the core with what it tests.
func BenchmarkSendWithStatuses(b *testing.B) {
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	b.Cleanup(hook.Close)
	sim, err := metasim.New(metasim.Options{
		WebhookURL: hook.URL, AppSecret: secret,
		Settings: metasim.Settings{ReadShare: 1, BatchMax: 100, BatchWaitMS: 10, Webhook: metasim.Span{MaxMS: 50}},
	})
	require.NoError(b, err)
	require.NoError(b, sim.AddAccount(metasim.Account{Kind: metasim.WhatsApp, ID: number, BusinessID: "1", Token: waToken}))
	require.NoError(b, sim.Start(b.Context()))
	b.Cleanup(func() { _ = sim.Stop(context.WithoutCancel(b.Context())) })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	b.ReportAllocs()
	started := time.Now()
	for n := 0; b.Loop(); n++ {
		c := waText(strconv.Itoa(n) + ".1")
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, sim.URL()+c.path, strings.NewReader(c.body))
		require.NoError(b, err)
		req.Header.Set("Authorization", "Bearer "+c.token)
		req.Header.Set("X-Request-Id", c.requestID)
		res, err := client.Do(req)
		require.NoError(b, err)
		_, _ = io.Copy(io.Discard, res.Body)
		require.NoError(b, res.Body.Close())
	}
	require.NoError(b, sim.Drain(b.Context()))
	b.ReportMetric(float64(sim.Stats().Sends.Accepted)/time.Since(started).Seconds(), "sends/s")
	client.CloseIdleConnections()
}
