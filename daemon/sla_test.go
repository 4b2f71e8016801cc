package daemon_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// A breach is stamped even if nobody looks, and whoever looks, at metrics or with
// the tool, sees the same: who answered, and what was missed.
func TestSLAIsKeptByTheDaemon(t *testing.T) {
	t.Parallel()
	whole, h := t, newHouse(t)
	h.start("all")
	h.furnish()
	c := h.operator()
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	shown := get(t, *status.Item.MetricsURL)
	require.Contains(t, shown, `inboxd_sla_episodes_total{org_id="_other",outcome="missed"} 0`)
	require.Contains(t, shown, `inbox_sla_compliance_rate{org_id="_other",user_id="_other"} NaN`, "no data is not 100 %")
	require.Contains(t, shown, `inbox_first_response_time_seconds_count{org_id="_other",user_id="_other"} 0`)

	answered := h.customer(waNumber, "12025550101", "hello?")
	h.awaitStatus(h.reply(answered, "hi").Message.ID, "accepted", "sent", "delivered", "read")
	h.exec(`UPDATE orgs SET sla_target_ms = 1000 WHERE name = 'acme'`)
	ignored := h.customer(waNumber, "12025550102", "hello?")
	require.EventuallyWithT(t, func(t *collect) {
		metrics := get(whole, *status.Item.MetricsURL)
		require.Contains(t, metrics, `inboxd_sla_episodes_total{org_id="acme",outcome="met"} 1`)
		require.Contains(t, metrics, `inboxd_sla_episodes_total{org_id="acme",outcome="missed"} 1`)
		require.Contains(t, metrics, `inbox_first_response_time_seconds_count{org_id="acme",user_id="dana"} 1`)
	}, patience, 100*time.Millisecond)

	figures, err := c.SLAReport(t.Context(), "user", admin.SLAFilter{Org: "acme", SLAWindow: admin.SLAWindow{Window: time.Hour}})
	require.NoError(t, err)
	require.Len(t, figures.Items, 2)
	require.Equal(t, []any{"unassigned", int64(1)}, []any{*figures.Items[0].Who, figures.Items[0].Overdue})
	require.Equal(t, []any{"dana", int64(1)}, []any{*figures.Items[1].User, figures.Items[1].Met})
	require.EventuallyWithT(t, func(t *collect) {
		misses, err := c.SLAMisses(h.t.Context(), admin.SLAFilter{Org: "acme"}, admin.Page{})
		require.NoError(t, err)
		require.Len(t, misses.Items, 1)
		require.Equal(t, ignored, misses.Items[0].ConversationID)
		require.NotNil(t, misses.Items[0].Cause)
		require.Equal(t, "human", *misses.Items[0].Cause)
	}, patience, 100*time.Millisecond)
}
