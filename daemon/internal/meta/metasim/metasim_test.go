package metasim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The accounts, contacts and secrets of the recorded payloads.
const (
	number    = "120000000000201"
	instagram = "17841400000000301"
	waToken   = "wa-token"
	igToken   = "ig-token"
	adAccount = "500000000000601"
	adToken   = "ad-token"
	secret    = "inboxd-test-app-secret"
	igUser    = "1180000000000401"
	phone     = "+12025550101"
)

var (
	mira     = metasim.Contact{WaID: "12025550101", UserID: "US.31000000000000000001", Name: "Mira Okafor"}
	recorded = time.Unix(1791190800, 0) // the time of the recorded payloads
)

// callback is a webhook receiver that keeps what it got. Its answer can be
// changed.
type callback struct {
	*httptest.Server

	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	status func(n int) int // answer to the nth POST, from 1
}

func newCallback(t *testing.T) *callback {
	t.Helper()
	c := &callback{status: func(int) int { return http.StatusOK }}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies = append(c.bodies, string(body))
		c.heads = append(c.heads, r.Header)
		w.WriteHeader(c.status(len(c.bodies)))
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *callback) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.bodies...)
}

func (c *callback) answers(status func(n int) int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// start runs a simulator with one account of each kind.
func start(t *testing.T, o metasim.Options) *metasim.Sim {
	t.Helper()
	sim, err := metasim.New(o)
	require.NoError(t, err)
	require.NoError(t, sim.AddAccount(metasim.Account{
		Kind: metasim.WhatsApp, ID: number, BusinessID: "110000000000101", DisplayPhone: "12025550142", Token: waToken,
	}))
	require.NoError(t, sim.AddAccount(metasim.Account{Kind: metasim.Instagram, ID: instagram, Token: igToken}))
	require.NoError(t, sim.AddAccount(metasim.Account{Kind: metasim.AdAccount, ID: adAccount, Token: adToken}))
	require.NoError(t, sim.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, sim.Stop(ctx))
	})
	return sim
}

// startWith is start with webhooks to a new callback.
func startWith(t *testing.T, set metasim.Settings) (*metasim.Sim, *callback) {
	t.Helper()
	hook := newCallback(t)
	return start(t, metasim.Options{WebhookURL: hook.URL, AppSecret: secret, Settings: set, Seed: 7}), hook
}

func drain(t *testing.T, sim *metasim.Sim) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, sim.Drain(ctx))
}

// call is one request to the simulator.
type call struct {
	path, token, requestID, body string
}

type result struct {
	status int
	header http.Header
	body   string
	err    error
}

// do sends a call on a connection of its own, so that a reset is never hidden
// by a repetition of the transport.
func do(t *testing.T, sim *metasim.Sim, c call) result {
	t.Helper()
	return doWithin(t, sim, c, 5*time.Second)
}

func doWithin(t *testing.T, sim *metasim.Sim, c call, timeout time.Duration) result {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, sim.URL()+c.path, bytes.NewBufferString(c.body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Request-Id", c.requestID)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := (&http.Client{Transport: transport, Timeout: timeout}).Do(req)
	if err != nil {
		return result{err: err}
	}
	body, err := io.ReadAll(res.Body)
	require.NoError(t, res.Body.Close())
	return result{status: res.StatusCode, header: res.Header, body: string(body), err: err}
}

func waText(requestID string) call {
	return call{
		path: "/v26.0/" + number + "/messages", token: waToken, requestID: requestID,
		body: `{"messaging_product":"whatsapp","recipient_type":"individual","to":"` + phone +
			`","type":"text","text":{"body":"Booked ✅"},"biz_opaque_callback_data":"` + requestID + `"}`,
	}
}

func waTemplate(requestID, name string) call {
	return call{
		path: "/v26.0/" + number + "/messages", token: waToken, requestID: requestID,
		body: `{"messaging_product":"whatsapp","to":"` + phone + `","type":"template","template":{"name":"` + name +
			`","language":{"code":"en_US"}},"biz_opaque_callback_data":"` + requestID + `"}`,
	}
}

func igText(requestID string) call {
	return call{
		path: "/v26.0/" + instagram + "/messages", token: igToken, requestID: requestID,
		body: `{"recipient":{"id":"` + igUser + `"},"message":{"text":"Yes, we do!"}}`,
	}
}

func (c call) replace(old, with string) call {
	c.body = string(bytes.ReplaceAll([]byte(c.body), []byte(old), []byte(with)))
	return c
}

// errorCode reads the code of Meta's envelope, which may be text.
func errorCode(t *testing.T, body string) string {
	t.Helper()
	var envelope struct {
		Error struct {
			Code json.Number `json:"code"`
		} `json:"error"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &envelope), body)
	return envelope.Error.Code.String()
}

// readFixture returns a recorded payload, "whatsapp/wh_text".
func readFixture(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("../fixtures/" + name + ".json")
	require.NoError(t, err)
	return string(raw)
}
