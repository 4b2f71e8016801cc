package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// The product shows these figures to agents about themselves: no data must not
// look like 100 %, and nobody may see another org's.
func TestSLA(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.sla = []sla.Figures{
		sla.Figures{User: "dana", UserID: dana, ChannelID: 3, Channel: "whatsapp", Who: sla.User, Met: 4, Missed: 1, Overdue: 1, Responses: sla.Responses{{Bucket: 266, N: 1}}, Worst: 42 * time.Second}.Summed(),
		{ChannelID: 4, Channel: "instagram", Who: sla.Unassigned, Pending: 2, Risky: 1},
	}
	got := b.do(t, http.MethodGet, "/v1/sla?window=1h", "", as(orgToken)...)
	require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
	one := `"compliance": 0.8, "n": 5, "met": 4, "missed": 1, "pending": 0, "at_risk": 0, "overdue": 1, "p50_ms": 42000, "p90_ms": 42000, "p95_ms": 42000, "worst_ms": 42000`
	none := `"compliance": null, "n": 0, "met": 0, "missed": 0, "pending": 2, "at_risk": 1, "overdue": 0, "p50_ms": null, "p90_ms": null, "p95_ms": null, "worst_ms": null`
	require.JSONEq(t, `{
  "since": "2026-10-05T08:00:00Z", "until": "2026-10-05T09:00:00Z", "day": null, "time_zone": "Europe/Madrid", "target_ms": 300000, "objective": 0.8,
  "total": {"compliance": 0.8, "n": 5, "met": 4, "missed": 1, "pending": 2, "at_risk": 1, "overdue": 1, "p50_ms": 42000, "p90_ms": 42000, "p95_ms": 42000, "worst_ms": 42000},
  "users": [{"user": "dana", "who": "user", `+one+`}, {"user": null, "who": "unassigned", `+none+`}],
  "channels": [{"channel_id": "3", "kind": "whatsapp", `+one+`}, {"channel_id": "4", "kind": "instagram", `+none+`}]
}`, got.Body)
	for _, call := range b.store.noted() {
		q, ok := call.(sla.Question)
		require.True(t, ok)
		require.Equal(t, int64(acme), q.OrgID)
	}
	got = b.do(t, http.MethodGet, "/v1/sla?day=2026-11-20", "", as(orgToken)...)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Contains(t, got.Body, `"day":"2026-11-20"`)
	for query, status := range map[string]int{"window=2h": http.StatusUnprocessableEntity, "day=soon": http.StatusBadRequest} {
		got := b.do(t, http.MethodGet, "/v1/sla?"+query, "", as(orgToken)...)
		require.Contains(t, []int{status, http.StatusBadRequest}, got.StatusCode, got.Body)
	}
	require.Equal(t, http.StatusUnauthorized, b.do(t, http.MethodGet, "/v1/sla", "").StatusCode)
}
