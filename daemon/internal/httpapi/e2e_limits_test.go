package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// limits gives acme limits of its own.
func (w *world) limits(limits ...control.Limit) {
	for i := range limits {
		limits[i].OrgID = w.orgs["acme"].ID
	}
	w.set.Store(control.New(1, nil, limits, nil))
}

// TestSixtyAndNoMore: the 61st message of a window is refused with the time at
// which it will be accepted; nobody else notices, and what is repeated or
// refused for another reason counts for nothing.
func TestSixtyAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, loadFixture(t, "whatsapp/wh_text.json").body)
	w.limits(control.Limit{Name: "send_text", Value: 60, Window: time.Hour}) // an hour: the machine may be slow
	dana := as(w.token(t, "acme", "dana"))
	target := "/v1/conversations/" + w.one(t, `SELECT id::text FROM conversations`) + "/messages"
	key := append([]string{"Idempotency-Key", "k1"}, dana...)
	first := w.do(t, "POST", target, `{"text":"first"}`, key...)
	require.Equal(t, http.StatusAccepted, first.StatusCode, first.Body)
	for i := range 59 {
		requireProblem(t, w.do(t, "POST", "/v1/conversations/999999/messages", `{"text":"a"}`, dana...), 404, "conversation_not_found")
		require.Equal(t, first.Body, w.do(t, "POST", target, `{"text":"first"}`, key...).Body)
		got := w.do(t, "POST", target, fmt.Sprintf(`{"text":"%d"}`, i), dana...)
		require.Equal(t, http.StatusAccepted, got.StatusCode, got.Body)
		require.Contains(t, got.Header.Get("RateLimit"), fmt.Sprintf(`"send_text";r=%d;t=`, 58-i))
	}
	p := requireProblem(t, w.do(t, "POST", target, `{"text":"one too many"}`, dana...), 429, "rate_limited")
	require.Equal(t, "acme", p.Org)
	require.Equal(t, 60, *p.Limit)
	require.Positive(t, *p.RetryMS)
	require.LessOrEqual(t, *p.RetryMS, int64(3_600_000))
	require.Equal(t, first.Body, w.do(t, "POST", target, `{"text":"first"}`, key...).Body, "a repeat is owed its answer")
	require.Equal(t, "60", w.one(t, `SELECT count(*)::text FROM messages WHERE NOT inbound`))

	_, err := w.store.CreateUser(t.Context(), w.orgs["rival"].ID, "rob")
	require.NoError(t, err)
	theirs := w.one(t, `
		WITH c AS (SELECT id, org_id FROM channels WHERE external_id = '120000000000202'),
		p AS (INSERT INTO contacts (org_id, channel_id, wa_id) SELECT org_id, id, '12025550199' FROM c RETURNING id)
		INSERT INTO conversations (org_id, channel_id, contact_id, last_inbound_at, last_message_at)
		SELECT c.org_id, c.id, p.id, $1, $1 FROM c, p RETURNING id::text`, arrival)
	got := w.do(t, "POST", "/v1/conversations/"+theirs+"/messages", `{"text":"a"}`, as(w.token(t, "rival", "rob"))...)
	require.Equal(t, http.StatusAccepted, got.StatusCode, got.Body)
	require.Contains(t, got.Header.Get("RateLimit"), `r=59;`, "another org notices nothing")

	w.limits(control.Limit{Name: "send_text", Value: 62, Window: time.Hour})
	for range 2 { // at once, without a restart
		got := w.do(t, "POST", target, `{"text":"raised"}`, dana...)
		require.Equal(t, http.StatusAccepted, got.StatusCode, got.Body)
	}
	requireProblem(t, w.do(t, "POST", target, `{"text":"a"}`, dana...), 429, "rate_limited")
}

// TestRetryAfterIsTrue: a client that comes back when it was told is accepted.
func TestRetryAfterIsTrue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, loadFixture(t, "whatsapp/wh_text.json").body)
	w.limits(control.Limit{Name: "send_text", Value: 5, Window: time.Second})
	dana := as(w.token(t, "acme", "dana"))
	target := "/v1/conversations/" + w.one(t, `SELECT id::text FROM conversations`) + "/messages"
	refused := 0
	for refused < 3 {
		got := w.do(t, "POST", target, `{"text":"a"}`, dana...)
		if got.StatusCode == http.StatusAccepted {
			continue
		}
		refused++
		p := requireProblem(t, got, 429, "rate_limited")
		<-time.After(time.Duration(*p.RetryMS) * time.Millisecond)
		got = w.do(t, "POST", target, `{"text":"a"}`, dana...)
		require.Equal(t, http.StatusAccepted, got.StatusCode, got.Body)
	}
}

// TestLimitsOfAnOrg: what is read is what holds.
func TestLimitsOfAnOrg(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, loadFixture(t, "whatsapp/wh_text.json").body)
	w.limits(
		control.Limit{Name: "assign", Value: 3, Window: time.Hour, ExpiresAt: arrival.Add(time.Hour)},
		control.Limit{Name: "retry", Value: 0, Window: time.Second},
	)
	dana := as(w.token(t, "acme", "dana"))
	target := "/v1/conversations/" + w.one(t, `SELECT id::text FROM conversations`)
	for _, user := range []string{`"dana"`, `null`} {
		got := w.do(t, "POST", target+"/assign", `{"user":`+user+`}`, dana...)
		require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
	}
	requireProblem(t, w.do(t, "POST", target+"/assign", `{"user":"nobody"}`, dana...), 422, "unknown_user")
	p := requireProblem(t, w.do(t, "POST", "/v1/messages/1/retry", "", dana...), 429, "rate_limited")
	require.Zero(t, *p.Limit)
	require.EqualValues(t, 1000, *p.RetryMS)
	require.Contains(t, p.Detail, "operator")

	got := w.do(t, "GET", "/v1/limits", "", dana...)
	require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
	var limits struct {
		Items []struct {
			Action    string     `json:"action"`
			Limit     int        `json:"limit"`
			WindowMS  int64      `json:"window_ms"`
			Remaining int        `json:"remaining"`
			ExpiresAt *time.Time `json:"expires_at"`
		} `json:"items"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.Body), &limits))
	require.Len(t, limits.Items, len(job.Actions()))
	assign := limits.Items[3]
	require.Equal(t, "assign", assign.Action)
	require.Equal(t, 3, assign.Limit)
	require.Equal(t, time.Hour.Milliseconds(), assign.WindowMS)
	require.Equal(t, 1, assign.Remaining)
	require.Equal(t, arrival.Add(time.Hour), *assign.ExpiresAt)
	require.Zero(t, limits.Items[2].Remaining)
	require.Nil(t, limits.Items[2].ExpiresAt)
}
