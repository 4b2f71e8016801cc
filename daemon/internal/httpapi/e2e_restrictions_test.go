package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// What Meta does not let out an agent is told at once, who can choose another;
// a program's send waits. The webhook says en-US where the send says en_US.
func TestRestrictedTemplates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, loadFixture(t, "whatsapp/wh_text.json").body)
	dana, bulk := as(w.token(t, "acme", "dana")), as(w.token(t, "acme", ""))
	target := "/v1/conversations/" + w.one(t, `SELECT id::text FROM conversations`)
	template := func(name, language string) string { return `{"name":"` + name + `","language":"` + language + `"}` }
	accepted := func(path, body string, who []string) {
		t.Helper()
		got := w.do(t, "POST", target+path, body, who...)
		require.Equal(t, http.StatusAccepted, got.StatusCode, got.Body)
	}
	accepted("/templates", template("autumn_offer", "en_US"), dana)

	w.deliver(t, loadFixture(t, "whatsapp/wh_template_paused.json").body)
	p := requireProblem(t, w.do(t, "POST", target+"/templates", template("autumn_offer", "en_US"), dana...), 409, "template_paused")
	require.Contains(t, p.Detail, "autumn_offer (en_us): Paused for 3 hours because of low quality; until 2026-10-05 15:03 UTC")
	accepted("/templates", template("autumn_offer", "en_US"), bulk)
	accepted("/templates", template("autumn_offer", "de"), dana)
	accepted("/templates", template("spring_offer", "en_US"), dana)

	w.deliver(t, loadFixture(t, "whatsapp/wh_account_restriction.json").body)
	requireProblem(t, w.do(t, "POST", target+"/templates", template("spring_offer", "en_US"), dana...), 409, "templates_paused")
	accepted("/templates", template("spring_offer", "en_US"), bulk)
	accepted("/messages", `{"text":"an answer goes out"}`, dana)

	channels, err := w.store.Channels(t.Context(), w.orgs["acme"].ID)
	require.NoError(t, err)
	require.Equal(t, "active", string(channels[0].State), "answers go out")
	require.Equal(t, "Meta has paused the template autumn_offer (en_us): Paused for 3 hours because of low quality; until 2026-10-05 15:03 UTC; "+
		"Meta lets no templates out: RESTRICTED_BIZ_INITIATED_MESSAGING; until 2026-10-12 09:00 UTC", channels[0].StateReason)
	require.Empty(t, channels[2].StateReason, "Instagram is another account")
	theirs, err := w.store.Channels(t.Context(), w.orgs["rival"].ID)
	require.NoError(t, err)
	require.Empty(t, theirs[0].StateReason)
}
