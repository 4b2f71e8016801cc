package daemon_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// thread is a conversation as the API shows it.
type thread struct {
	Assignee *string  `json:"assignee"`
	Tags     []string `json:"tags"`
	DueAt    *string  `json:"due_at"`
}

func (h *house) thread(id string) (v thread) {
	h.t.Helper()
	require.Equal(h.t, http.StatusOK, h.call(http.MethodGet, "/v1/conversations/"+id, "", &v))
	return v
}

func (h *house) automation(body string) {
	h.t.Helper()
	var answer map[string]any
	require.Equal(h.t, http.StatusCreated, h.call(http.MethodPost, "/v1/automations", body, &answer), "%v", answer)
}

// A customer writes and the org's rule answers through Meta, once, on each lane
// and each product; but somebody still has to answer: the SLA clock runs.
func TestAutomationAnswers(t *testing.T) {
	t.Parallel()
	for name, dial := range map[string]int{"PostgresLane": 0, "RedisLane": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.redis, h.dial = stacktest.Redis(t), dial
			require.NoError(t, h.sim.SetSettings(metasim.Settings{DuplicateShare: 1})) // every webhook twice
			h.start("all")
			h.furnish()
			h.automation(`{"name":"prices","trigger":{"type":"keyword","keywords":["precio"]},"conditions":{"assigned":false},
				"actions":[{"type":"send_text","text":"Be right with you."},{"type":"assign_round_robin"},{"type":"tag","tag":"sales"}]}`)
			for _, account := range []string{waNumber, igAccount} {
				conversation := h.customer(account, "12025550101", "¿Qué PRECIO tiene?")
				require.Eventually(t, func() bool { return h.thread(conversation).Assignee != nil }, patience, 20*time.Millisecond)
				answer := h.automatedMessage(conversation)
				h.awaitStatus(answer, "sent", "delivered", "read")
				v := h.thread(conversation)
				require.Equal(t, "dana", *v.Assignee)
				require.Equal(t, []string{"sales"}, v.Tags)
				require.NotNil(t, v.DueAt, "an automation is no answer")
				h.awaitStatus(h.reply(conversation, "It costs 5").Message.ID, "sent", "delivered", "read")
				require.Nil(t, h.thread(conversation).DueAt)
			}
			require.Len(t, h.sim.Sends(0), 4)
			require.Empty(t, h.sim.Duplicates())
		})
	}
}

// automatedMessage is the one message that automations have written.
func (h *house) automatedMessage(conversation string) string {
	h.t.Helper()
	var list struct {
		Items []struct{ ID, Origin, Text string } `json:"items"`
	}
	require.Equal(h.t, http.StatusOK, h.call(http.MethodGet, "/v1/conversations/"+conversation+"/messages", "", &list))
	var found []string
	for _, m := range list.Items {
		if m.Origin == "automation" {
			require.True(h.t, strings.HasPrefix(m.Text, "Be right"))
			found = append(found, m.ID)
		}
	}
	require.Len(h.t, found, 1)
	return found[0]
}
