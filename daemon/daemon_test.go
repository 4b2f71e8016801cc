package daemon_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert" //nolint:depguard // CollectT is its type
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

type collect = assert.CollectT

// A customer writes, an agent answers, Meta delivers, the operator sees it:
// the whole road, on each lane and each product.
func TestMessageTravels(t *testing.T) {
	t.Parallel()
	for name, dial := range map[string]int{"PostgresLane": 0, "RedisLane": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.redis, h.dial = stacktest.Redis(t), dial
			h.start("all")
			h.furnish()
			for _, account := range []string{waNumber, igAccount} {
				conversation := h.customer(account, "12025550101", "hello")
				r := h.reply(conversation, "how can I help?")
				require.Equal(t, "queued", r.Message.Status)
				want := []string{"delivered", "read"}
				if account == igAccount {
					want = []string{"sent", "read"}
				}
				h.awaitStatus(r.Message.ID, want...)
				require.Equal(t, 1, h.sim.Accepted(r.Job.ID))
				var conv struct {
					DueAt *string `json:"due_at"`
				}
				h.call(http.MethodGet, "/v1/conversations/"+conversation, "", &conv)
				require.Nil(t, conv.DueAt, "the answer stops the clock")
			}
			lane := map[int]string{0: "postgres", 100: "redis"}[dial]
			c, err := admin.NewClient(admin.Options{Server: "unix://" + h.socket})
			require.NoError(t, err)
			defer c.Close()
			list, err := c.Jobs(t.Context(), admin.Selector{State: []string{"done"}}, admin.Page{})
			require.NoError(t, err)
			require.Len(t, list.Items, 2)
			require.True(t, slices.ContainsFunc(list.Items, func(j admin.Job) bool { return *j.Lane == lane }),
				"one at least: on a starved machine Redis may be left alone after the first")
		})
	}
}

// Several processes of each mode on one database share the work, and one of
// them leaving loses nothing and doubles nothing.
func TestSeveralProcesses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.redis, h.dial = stacktest.Redis(t), 50
	require.NoError(t, h.sim.SetSettings(metasim.Settings{Response: metasim.Span{MinMS: 5, MaxMS: 30}}))
	h.start("api")
	h.furnish()
	h.start("worker")
	leaving := h.start("worker")
	var sent []receipt
	for i := range 20 {
		conversation := h.customer(waNumber, "1202555"+string(rune('a'+i)), "hi")
		for range 3 {
			sent = append(sent, h.reply(conversation, "answer"))
		}
		if i == 10 {
			require.NoError(t, leaving.stop())
		}
	}
	for _, r := range sent {
		h.awaitStatus(r.Message.ID, "delivered", "read")
	}
	require.Empty(t, h.sim.Duplicates())
	inOrder(t, h.sim.Sends(0))
}

// inOrder fails if a conversation's sends arrived in another order than their
// jobs were made (ids of a conversation are given out in order).
func inOrder(t *testing.T, sends []metasim.Send) {
	t.Helper()
	last := map[string]int64{}
	seen := map[string]bool{}
	for _, s := range sends {
		if seen[s.Job] {
			continue
		}
		seen[s.Job] = true
		id := jobNumber(t, s.Job)
		require.Greater(t, id, last[s.Recipient], "job %s overtook", s.Job)
		last[s.Recipient] = id
	}
}

// When the answer of a send is lost, nobody knows whether the customer got the
// message: it is never sent again by itself. A status webhook settles it; with
// none it stays uncertain.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("all")
	h.furnish()
	conversation := h.customer(waNumber, "12025550101", "hello")
	add := func(r metasim.Rule) {
		_, err := h.sim.AddRule(r)
		require.NoError(t, err)
	}

	add(metasim.Rule{Effect: metasim.DropAnswer, Next: 1})
	settled := h.reply(conversation, "one")
	h.awaitStatus(settled.Message.ID, "delivered", "read")

	add(metasim.Rule{Effect: metasim.DropAnswer, Next: 1, Silent: true})
	silent := h.reply(conversation, "two")
	h.awaitStatus(silent.Message.ID, "uncertain")
	after := h.reply(conversation, "three")
	h.awaitStatus(after.Message.ID, "delivered", "read")
	require.Equal(t, "uncertain", h.message(silent.Message.ID).Status)
	require.Equal(t, 1, h.sim.Accepted(silent.Job.ID))
	require.Equal(t, 1, h.sim.Accepted(settled.Job.ID))
	var problem struct{ Code string }
	require.Equal(t, http.StatusConflict, h.call(http.MethodPost, "/v1/messages/"+silent.Message.ID+"/retry", "", &problem))
	require.Equal(t, "message_uncertain", problem.Code)
}

// The provider refuses: for ever, for now, or because the token is gone. The
// message says why, and the operator can send it again.
func TestProviderRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("all")
	h.furnish()
	conversation := h.customer(waNumber, "12025550101", "hello")

	_, err := h.sim.AddRule(metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/err_131016_service_unavailable", Next: 1})
	require.NoError(t, err)
	transient := h.reply(conversation, "one")
	h.awaitStatus(transient.Message.ID, "delivered", "read")
	require.Equal(t, 1, h.sim.Accepted(transient.Job.ID))

	require.NoError(t, h.sim.ExpireToken(waNumber))
	waiting := h.reply(conversation, "two")
	c, err := admin.NewClient(admin.Options{Server: "unix://" + h.socket})
	require.NoError(t, err)
	defer c.Close()
	require.EventuallyWithT(t, func(t *collect) {
		channels, err := c.Channels(h.t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, "paused", channels.Items[0].State)
		require.Contains(t, *channels.Items[0].StateReason, "access token")
		require.Equal(t, "active", channels.Items[1].State, "the other channel is not to blame")
	}, patience, 20*time.Millisecond)
	require.Equal(t, "queued", h.message(waiting.Message.ID).Status, "the message waits for a new token")

	require.NoError(t, h.sim.AddAccount(metasim.Account{Kind: metasim.WhatsApp, ID: waNumber, BusinessID: "110000000000101", Token: "channel-token"}))
	h.exec(`UPDATE channels SET state = 'active', token_refused = false`)
	require.EventuallyWithT(t, func(t *collect) {
		h.exec(`UPDATE jobs SET run_at = now() WHERE state = 0`) // it would wait half a minute
		require.Contains(t, []string{"delivered", "read"}, h.message(waiting.Message.ID).Status)
	}, patience, 50*time.Millisecond)
	require.Equal(t, 1, h.sim.Accepted(waiting.Job.ID))
}

// A repeated request with the same key sends one message.
func TestIdempotencyKeySendsOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("all")
	h.furnish()
	conversation := h.customer(waNumber, "12025550101", "hello")
	first := h.reply(conversation, "once", "Idempotency-Key", "k1")
	require.Equal(t, first, h.reply(conversation, "once", "Idempotency-Key", "k1"))
	require.Equal(t, http.StatusUnprocessableEntity, h.call(http.MethodPost, "/v1/conversations/"+conversation+"/messages",
		`{"text":"other"}`, nil, "Idempotency-Key", "k1"))
	h.awaitStatus(first.Message.ID, "delivered", "read")
	require.Len(t, h.sim.Sends(0), 1)
}

// A taken port names itself and the setting that chose it, and leaves nothing
// behind.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("all")
	taken := strings.TrimPrefix(h.api, "http://")
	_, err := h.tryStart("all", "INBOXD_LISTEN="+taken)
	require.ErrorContains(t, err, taken)
	require.ErrorContains(t, err, "INBOXD_LISTEN")
	require.ErrorContains(t, err, "address already in use")
}

// The admin socket of a running process is not taken away from it.
func TestAdminSocketInUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("all")
	_, err := h.tryStart("all", "INBOXD_ADMIN_SOCKET="+h.socket)
	require.ErrorContains(t, err, "in use by a running process")
}

// A schema that lacks a step stops the start with the command that helps.
func TestOldSchemaIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.dsn = stacktest.Database(t, nil)
	p := h.start("all")
	select {
	case err := <-p.done:
		require.ErrorContains(t, err, "inboxd migrate up")
		p.done <- nil
	case <-time.After(patience):
		t.Fatal("it started on an empty database")
	}
}

// The drain waits for a send under way, and what had not begun is left for
// others.
func TestDrain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("api")
	h.furnish()
	w := h.start("worker")
	require.NoError(t, h.sim.SetSettings(metasim.Settings{Response: metasim.Span{MinMS: 400, MaxMS: 400}}))
	conversation := h.customer(waNumber, "12025550101", "hello")
	first, second := h.reply(conversation, "one"), h.reply(conversation, "two")
	require.Eventually(t, func() bool { return len(h.sim.Sends(0)) > 0 }, patience, 5*time.Millisecond)
	require.NoError(t, w.stop())
	h.awaitStatus(first.Message.ID, "accepted", "sent", "delivered", "read")
	require.Equal(t, "queued", h.message(second.Message.ID).Status)
	h.start("worker")
	h.awaitStatus(second.Message.ID, "delivered", "read")
	require.Empty(t, h.sim.Duplicates())
}

// A secret key that does not open the stored tokens is said at the start.
func TestWrongSecretKeyIsSaid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.start("all")
	h.furnish()
	require.NoError(t, p.stop())
	_, err := h.tryStart("worker", "INBOXD_SECRET_KEY=QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(h.logs.String(), "no secret key opens") }, patience, 10*time.Millisecond)
}

// Readiness tells the truth: 200 while it can work.
func TestReadiness(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("all")
	require.EventuallyWithT(t, func(t *collect) {
		status, _, err := h.tryCall(http.MethodGet, "/readyz", "")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
	}, patience, 20*time.Millisecond)
	status, _, err := h.tryCall(http.MethodGet, "/livez", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
}
