package dev

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// answers serves the n-th request with the n-th function, the last for all
// that follow, and records the Idempotency-Keys.
func answers(t *testing.T, all ...http.HandlerFunc) (*api, *[]string) {
	t.Helper()
	var n atomic.Int32
	keys := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*keys = append(*keys, r.Header.Get("Idempotency-Key")) // requests come one by one
		all[min(int(n.Add(1)), len(all))-1](w, r)
	}))
	a := newAPI(server.URL, 1, newJournal(true))
	t.Cleanup(func() {
		a.http.CloseIdleConnections()
		server.Close()
	})
	return a, keys
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// TestCallsAreRepeatedUnderOneKey: with a new key each time a lost answer would
// become a second message.
func TestCallsAreRepeatedUnderOneKey(t *testing.T) {
	t.Parallel()
	a, keys := answers(t, hangUp, status(http.StatusInternalServerError, ""), status(http.StatusServiceUnavailable, ""),
		status(http.StatusConflict, `{"code":"idempotency_in_flight"}`), status(http.StatusAccepted, `{"job":{"id":"17"}}`))
	var got receipt
	require.NoError(t, a.do(t.Context(), call{}.with(http.MethodPost, "/x", object{"text": "hi"}), &got))
	require.Equal(t, "17", got.Job.ID)
	require.Len(t, *keys, 5)
	for _, key := range *keys {
		require.Equal(t, (*keys)[0], key)
	}
	require.NotEmpty(t, (*keys)[0])
	require.Equal(t, 4, a.journal.retries)
}

func TestRefusalsStand(t *testing.T) {
	t.Parallel()
	a, keys := answers(t, status(http.StatusConflict, `{"code":"window_closed"}`))
	err := a.do(t.Context(), call{}.with(http.MethodPost, "/x", nil), nil)
	require.ErrorContains(t, err, "409 window_closed")
	require.Len(t, *keys, 1)
}

func TestThrottledCallsWaitAsTold(t *testing.T) {
	t.Parallel()
	pause, again := retryDelay(&refusal{status: http.StatusTooManyRequests, retryAfter: 7 * time.Second}, time.Millisecond)
	require.True(t, again)
	require.Equal(t, 7*time.Second, pause)
}

// TestClosedWindowIsTriedAgain: the customer's message may still be on its way.
func TestClosedWindowIsTriedAgain(t *testing.T) {
	t.Parallel()
	a, keys := answers(t, status(http.StatusConflict, `{"code":"window_closed"}`), status(http.StatusAccepted, `{"job":{"id":"5"}}`))
	o := newOrgs("secret")[0]
	c := o.customers[0]
	o.conversations[c.address()] = "42"
	g := newAgents(a, a.journal)
	g.give(t.Context(), task{customer: c, agent: o.users[0], text: "hi", think: time.Hour})
	g.finish()
	require.Len(t, *keys, 2)
	require.NotEqual(t, (*keys)[0], (*keys)[1], "a refused call is over")
	got := a.journal.acceptances()
	require.Len(t, got, 1)
	require.EqualValues(t, 5, got[0].job)
	require.Equal(t, "42", got[0].conversation)
	require.False(t, got[0].bulk)
}

// TestInboxIsReadToItsEnd: a customer on the second page must be found too.
func TestInboxIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	o := newOrgs("secret")[0]
	wa, ig := o.customers[0], o.customers[len(o.customers)-1]
	require.Equal(t, metasim.Instagram, ig.channel.account.Kind)
	page := func(id, kind, user, next string) http.HandlerFunc {
		return status(http.StatusOK, `{"items":[{"id":"`+id+`","channel":{"kind":"`+kind+`"},"contact":{"user_id":"`+user+`","wa_id":null}}],"next":`+next+`}`)
	}
	a, _ := answers(t, page("1", "whatsapp", wa.contact.UserID, `"more"`), func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "more", r.URL.Query().Get("cursor"))
		page("2", "instagram", ig.contact.UserID, "null")(w, r)
	})
	require.NoError(t, a.readInbox(t.Context(), o))
	require.Equal(t, "1", o.conversation(wa))
	require.Equal(t, "2", o.conversation(ig))
}
