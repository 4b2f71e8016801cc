package daemon_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const waba = "110000000000101"

// templateEvent delivers what Meta says of the template "offer", at this time.
func (h *house) templateEvent(event string, at time.Time) {
	h.t.Helper()
	body := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":%q,"time":%d,"changes":[{"field":"message_template_status_update",
		"value":{"event":%q,"message_template_name":"offer","message_template_language":"en-US"}}]}]}`, waba, at.Unix(), event)
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(body))
	status, raw, err := h.tryCall(http.MethodPost, "/webhooks/meta", body, "X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	require.NoError(h.t, err)
	require.Equal(h.t, http.StatusOK, status, "%s", raw)
}

// bulk sends a template as a program does.
func (h *house) bulk(conversation, name string) receipt {
	h.t.Helper()
	token, err := h.operator().CreateToken(h.t.Context(), admin.TokenCreate{Org: "acme"})
	require.NoError(h.t, err)
	var r receipt
	require.Equal(h.t, http.StatusAccepted, h.call(http.MethodPost, "/v1/conversations/"+conversation+"/templates",
		fmt.Sprintf(`{"name":%q,"language":"en_US"}`, name), &r, "Authorization", "Bearer "+token.Item.Token))
	return r
}

// awaitSleep waits until a job waits for this class, without an attempt used.
func (h *house) awaitSleep(id, class string) {
	h.t.Helper()
	require.EventuallyWithT(h.t, func(t *collect) {
		j, err := h.operator().Job(h.t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "scheduled", j.Item.State)
		require.NotNil(t, j.Item.ErrorClass)
		require.Equal(t, class, *j.Item.ErrorClass)
		require.Zero(t, j.Item.Attempt)
	}, patience, 50*time.Millisecond)
}

// A template that Meta has paused waits, without asking Meta, and leaves when
// Meta approves it; one of which an answer says so waits too, until an operator
// who knows better resumes the channel.
func TestPausedTemplateWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("all")
	h.furnish()
	h.exec(`UPDATE channels SET business_id = '` + waba + `' WHERE kind = 'whatsapp'`)
	conversation := h.customer(waNumber, "12025550101", "hello")

	now := time.Now()
	h.templateEvent("PAUSED", now)
	require.Equal(t, http.StatusConflict, h.call(http.MethodPost, "/v1/conversations/"+conversation+"/templates", `{"name":"offer","language":"en_US"}`, nil))
	waiting := h.bulk(conversation, "offer")
	h.awaitSleep(waiting.Job.ID, "template_paused")
	require.Empty(t, h.sim.Sends(0), "Meta is not asked")
	h.awaitStatus(h.bulk(h.customer(waNumber, "12025550102", "hello"), "another").Message.ID, "sent", "delivered", "read")
	h.templateEvent("APPROVED", now.Add(2*time.Second))
	h.awaitStatus(waiting.Message.ID, "sent", "delivered", "read")
	require.Equal(t, 1, h.sim.Accepted(waiting.Job.ID))

	rule, err := h.sim.AddRule(metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/err_132015_template_paused", Template: "winter"})
	require.NoError(t, err)
	refused := h.bulk(conversation, "winter")
	h.awaitSleep(refused.Job.ID, "template_paused")
	asked := len(h.sim.Sends(0))
	second := h.bulk(h.customer(waNumber, "12025550103", "hello"), "winter")
	h.awaitSleep(second.Job.ID, "template_paused")
	require.Len(t, h.sim.Sends(0), asked, "one answer is enough")
	require.True(t, h.sim.RemoveRule(rule.ID))
	_, err = h.operator().SetChannelState(t.Context(), admin.ChannelState{Channel: waNumber, State: "active"})
	require.NoError(t, err)
	for _, r := range []receipt{refused, second} {
		h.awaitStatus(r.Message.ID, "sent", "delivered", "read")
		require.Equal(t, 1, h.sim.Accepted(r.Job.ID))
	}
}

// A locked account costs no message: all wait, operators see why, and what they
// resume goes on.
func TestLockedAccountWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("all")
	h.furnish()
	conversation := h.customer(waNumber, "12025550101", "hello")
	rule, err := h.sim.AddRule(metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/err_131031_account_locked"})
	require.NoError(t, err)
	waiting := h.reply(conversation, "one")
	h.awaitSleep(waiting.Job.ID, "policy_blocked")
	channels, err := h.operator().Channels(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, "paused", channels.Items[0].State)
	require.Contains(t, *channels.Items[0].StateReason, "Meta has restricted the account")
	require.True(t, h.sim.RemoveRule(rule.ID))
	_, err = h.operator().SetChannelState(t.Context(), admin.ChannelState{Channel: waNumber, State: "active"})
	require.NoError(t, err)
	h.awaitStatus(waiting.Message.ID, "sent", "delivered", "read")
	require.Equal(t, 1, h.sim.Accepted(waiting.Job.ID))
}
