package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func TestSpend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	total := inbox.SpendTotal{Currency: "USD", Spend: "1234567.89", Impressions: 1000, Clicks: 20}
	october := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	b.store.spent = inbox.Spend{Totals: []inbox.SpendTotal{total}, Accounts: []inbox.AccountSpend{{
		ChannelID: 3, ExternalID: "500000000000601", SpendTotal: total,
		Campaigns: []inbox.CampaignSpend{{ID: "1202", Name: "خصم الخريف", SpendTotal: total, Days: []inbox.DaySpend{
			{Day: october, Spend: "1234567.89", Impressions: 1000, Clicks: 20},
		}}},
	}}}
	got := b.do(t, http.MethodGet, "/v1/spend?since=2026-10-01&until=2026-10-31", "", as(orgToken)...)
	require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
	require.JSONEq(t, `{
  "since": "2026-10-01", "until": "2026-10-31",
  "totals": [{"currency": "USD", "spend": "1234567.89", "impressions": 1000, "clicks": 20}],
  "accounts": [{
    "channel_id": "3", "external_id": "500000000000601", "time_zone": null, "synced_at": null,
    "currency": "USD", "spend": "1234567.89", "impressions": 1000, "clicks": 20,
    "campaigns": [{
      "id": "1202", "name": "خصم الخريف", "currency": "USD", "spend": "1234567.89", "impressions": 1000, "clicks": 20,
      "days": [{"day": "2026-10-01", "spend": "1234567.89", "impressions": 1000, "clicks": 20}]
    }]
  }]
}`, got.Body)
	require.Equal(t, []any{spendCall{acme, inbox.DayRange{Since: october, Until: october.AddDate(0, 0, 30)}}}, b.store.noted())
}

func TestSpendBadInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for query, code := range map[string]string{
		"since=2026-10-32&until=2026-10-31": "bad_day",
		"since=01.10.2026&until=2026-10-31": "bad_day",
		"since=2026-10-01&until=now":        "bad_day",
		"since=1999-10-01&until=2026-10-31": "bad_day",
		"since=2026-10-02&until=2026-10-01": "bad_range",
		"since=2025-01-01&until=2026-10-31": "range_too_long",
	} {
		got := b.do(t, http.MethodGet, "/v1/spend?"+query, "", as(orgToken)...)
		require.Equal(t, http.StatusBadRequest, got.StatusCode, query)
		require.Contains(t, got.Body, `"code":"`+code+`"`, query)
	}
	require.Equal(t, http.StatusUnauthorized, b.do(t, http.MethodGet, "/v1/spend?since=2026-10-01&until=2026-10-31", "").StatusCode)
	missing := b.do(t, http.MethodGet, "/v1/spend", "", as(orgToken)...)
	require.GreaterOrEqual(t, missing.StatusCode, 400)
	require.Less(t, missing.StatusCode, 500)
	require.Contains(t, missing.Body, "since")
	require.Empty(t, b.store.noted())

	b.store.err = inbox.Faultf(inbox.Unprocessable, "range_too_large", "ask for fewer days at a time")
	require.Equal(t, http.StatusUnprocessableEntity, b.do(t, http.MethodGet, "/v1/spend?since=2026-10-01&until=2026-10-31", "", as(orgToken)...).StatusCode)
}
