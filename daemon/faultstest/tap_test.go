package faultstest_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// tap stands between the simulated Meta and the webhook and notes what is
// answered: Meta repeats anything but a 200, so it alone would not notice a
// 500. Safe for concurrent use.
type tap struct {
	server *httptest.Server

	mu       sync.Mutex
	statuses map[int]int
}

func newTap(t *testing.T, base string) *tap {
	t.Helper()
	target, err := url.Parse(base)
	require.NoError(t, err)
	w := &tap{statuses: map[int]int{}}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	forward := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(resp *http.Response) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.statuses[resp.StatusCode]++
			return nil
		},
		ErrorHandler: func(out http.ResponseWriter, _ *http.Request, _ error) { out.WriteHeader(http.StatusBadGateway) },
	}
	w.server = httptest.NewServer(forward)
	t.Cleanup(func() {
		w.server.Close()
		transport.CloseIdleConnections()
	})
	return w
}

func (w *tap) url() string { return w.server.URL }

// answers returns how often each status was answered.
func (w *tap) answers() map[int]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.statuses)
}
