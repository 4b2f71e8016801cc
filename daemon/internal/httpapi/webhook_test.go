package httpapi_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const hookPath = "/webhooks/meta"

// TestWebhookSignature: nothing unsigned may be parsed or stored; the header
// cases are the fixture's.
func TestWebhookSignature(t *testing.T) {
	t.Parallel()
	var fixture struct {
		BodyFile string `json:"body_file"`
		Cases    []struct {
			Header *string `json:"header"`
			Valid  bool    `json:"valid"`
		} `json:"cases"`
	}
	readFixture(t, "wh_signature_headers.json", &fixture)
	body := fixtureBytes(t, "whatsapp/"+fixture.BodyFile)
	good := sign(appSecret, body)
	digest := strings.TrimPrefix(good, "sha256=")
	special := map[string][]string{
		"@manifest": {good}, "@upper": {"sha256=" + strings.ToUpper(digest)}, "@truncated63": {good[:len(good)-1]},
		"@valid+extra": {good + "0"}, "@twice": {good, good}, "sha1=@hex40": {"sha1=" + digest[:40]},
	}
	require.NotEmpty(t, fixture.Cases)
	for i, c := range fixture.Cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var headers []string
			if c.Header != nil {
				values, ok := special[*c.Header]
				if !ok {
					values = []string{*c.Header}
				}
				for _, v := range values {
					headers = append(headers, "X-Hub-Signature-256", v)
				}
			}
			answer := b.do(t, "POST", hookPath, string(body), headers...)
			if c.Valid {
				require.Equal(t, http.StatusOK, answer.StatusCode)
				require.Equal(t, 1, b.ingester.stored())
				return
			}
			requireProblem(t, answer, http.StatusUnauthorized, "bad_signature")
			require.Zero(t, b.ingester.stored())
			require.InDelta(t, 1, counter(t, b, "inboxd_webhook_posts_total", "unsigned"), 0)
		})
	}
}

// TestWebhookVerification runs Meta's subscription handshake from the fixtures.
func TestWebhookVerification(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"verify_ok", "verify_challenge_html", "verify_missing_params", "verify_wrong_mode", "verify_wrong_token"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fixture struct {
				Query  map[string]string `json:"query"`
				Expect struct {
					Status      int    `json:"status"`
					ContentType string `json:"content_type"`
					Body        string `json:"body"`
				} `json:"expect"`
			}
			readFixture(t, name+".json", &fixture)
			query := url.Values{}
			for k, v := range fixture.Query {
				query.Set(k, v)
			}
			answer := setup(t).do(t, "GET", hookPath+"?"+query.Encode(), "")
			if fixture.Expect.Status != http.StatusOK {
				p := requireProblem(t, answer, fixture.Expect.Status, "verification_refused")
				require.NotContains(t, p.Detail, "1158201444")
				return
			}
			require.Equal(t, http.StatusOK, answer.StatusCode)
			require.Equal(t, fixture.Expect.ContentType+"; charset=utf-8", answer.Header.Get("Content-Type"))
			require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
			require.Equal(t, fixture.Expect.Body, answer.Body)
		})
	}
}

// TestWebhookAnswers: 200 means stored; Meta repeats anything else for days.
func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	t.Run("SignedButUnusableIsKeptAndAcknowledged", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.Equal(t, http.StatusOK, post(t, b, []byte(`{"entry": [`)).StatusCode)
		require.Equal(t, `{"entry": [`, string(b.ingester.bodies[0]), "the raw bytes are what is kept") //nolint:testifylint // It is not JSON, on purpose.
		require.InDelta(t, 1, counter(t, b, "inboxd_webhook_unusable_total", "bad_json"), 0)
		require.InDelta(t, 1, counter(t, b, "inboxd_webhook_posts_total", "stored"), 0)
		require.Contains(t, b.logs.String(), "webhook part set aside")
	})
	t.Run("StoreFailureAsksForRepetition", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.ingester.err = errors.New("canary: disk full")
		answer := post(t, b, []byte(`{"messages":2}`))
		require.NotEmpty(t, answer.Header.Get("Retry-After"))
		p := requireProblem(t, answer, http.StatusServiceUnavailable, "not_stored")
		require.NotContains(t, p.Detail, "canary")
		require.Contains(t, b.logs.String(), "canary")
		require.InDelta(t, 1, counter(t, b, "inboxd_webhook_posts_total", "failed"), 0)
		require.InDelta(t, 0, counter(t, b, "inboxd_webhook_updates_total", "message"), 0)
	})
	t.Run("UpdatesAreCounted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.Equal(t, http.StatusOK, post(t, b, []byte(`{"messages":3}`)).StatusCode)
		require.InDelta(t, 3, counter(t, b, "inboxd_webhook_updates_total", "message"), 0)
	})
	t.Run("ChangeAtMetaDoesNotFillTheDisk", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		long := strings.Repeat("x", 10_000)
		for range 100 {
			post(t, b, fmt.Appendf(nil, `{"field":%q}`, long))
		}
		require.Equal(t, 20, strings.Count(b.logs.String(), "webhook part set aside"))
		require.Less(t, len(b.logs.String()), 20*600)
		require.InDelta(t, 100, counter(t, b, "inboxd_webhook_unusable_total", "unknown_field"), 0)
	})
}

// TestWebhookSize: exactly 4 MiB is taken, one byte more is refused without
// reading the rest.
func TestWebhookSize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fits := append([]byte(`{"messages":1}`), bytes.Repeat([]byte{' '}, 4<<20-14)...)
	require.Equal(t, http.StatusOK, post(t, b, fits).StatusCode)
	requireProblem(t, post(t, b, append(fits, ' ')), http.StatusRequestEntityTooLarge, "body_too_large")
	require.Equal(t, 1, b.ingester.stored())
	require.InDelta(t, 1, counter(t, b, "inboxd_webhook_posts_total", "too_large"), 0)
}

// TestWebhookEndlessBody: a body without a length is cut at the limit, and a
// connection that breaks off stores nothing.
func TestWebhookEndlessBody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	target := listen(t, serverOf(b))
	t.Run("Endless", func(t *testing.T) {
		t.Parallel()
		endless := &endlessReader{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target+hookPath, endless)
		require.NoError(t, err)
		answer, err := client(t).Do(r)
		if err == nil { // The client may see the closed connection before the answer.
			requireProblem(t, readReply(t, answer), http.StatusRequestEntityTooLarge, "body_too_large")
		}
	})
	t.Run("CutOff", func(t *testing.T) {
		t.Parallel()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(target, "http://"))
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close()) }()
		_, err = io.WriteString(conn, "POST "+hookPath+" HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{}")
		require.NoError(t, err)
		tcp, ok := conn.(*net.TCPConn)
		require.True(t, ok)
		require.NoError(t, tcp.CloseWrite())
		said, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(said), "400 Bad Request")
		require.Contains(t, string(said), "body_cut_off")
	})
	t.Cleanup(func() { require.Zero(t, b.ingester.stored()) })
}

type endlessReader struct{}

func (*endlessReader) Read(p []byte) (int, error) { return len(p), nil }

// FuzzWebhookSignature: no header but the one true signature lets a body in.
func FuzzWebhookSignature(f *testing.F) {
	body := []byte(`{"messages":1}`)
	good := sign(appSecret, body)
	f.Add(good)
	f.Add("")
	f.Add("sha256=")
	f.Add(strings.ToUpper(good))
	f.Add("sha1=" + hex.EncodeToString(make([]byte, 20)))
	b := setup(f)
	f.Fuzz(func(t *testing.T, header string) {
		before := b.ingester.stored()
		answer := b.do(t, "POST", hookPath, string(body), "X-Hub-Signature-256", header)
		if header == good {
			require.Equal(t, http.StatusOK, answer.StatusCode)
			return
		}
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
		require.Equal(t, before, b.ingester.stored())
	})
}

func post(tb testing.TB, b *bundle, body []byte) reply {
	tb.Helper()
	return b.do(tb, "POST", hookPath, string(body), "X-Hub-Signature-256", sign(appSecret, body))
}

// readFixture decodes a WhatsApp fixture.
func readFixture(tb testing.TB, name string, into any) {
	tb.Helper()
	require.NoError(tb, json.Unmarshal(fixtureBytes(tb, "whatsapp/"+name), into))
}

// counter returns the value of a counter by its one label.
func counter(tb testing.TB, b *bundle, name, label string) float64 {
	tb.Helper()
	families, err := b.registry.Gather()
	require.NoError(tb, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	require.FailNow(tb, "no such series", "%s %s", name, label)
	return 0
}
