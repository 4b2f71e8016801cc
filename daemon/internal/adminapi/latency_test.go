package adminapi_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// Every field must arrive, and what is not known is null.
func TestLatency(t *testing.T) {
	t.Parallel()
	client := as(t, onSocket(t, newHandler(t, newFake())), "")
	got, err := client.Latency(t.Context(), admin.LatencyQuery{})
	require.NoError(t, err)
	item := admin.LatencyItem{Name: "send_message", By: "type", SinceAt: day.Add(-5 * time.Minute), WindowMS: 300_000}
	wait, run, e2e := item, item, item
	wait.ID, wait.Metric, wait.N, wait.P50MS, wait.P95MS, wait.P99MS = "send_message/wait", "wait", 4, new(12.544), new(12.544), new(12.544)
	wait.Bars = []admin.Bar{{BelowMS: 16.384, N: 4}}
	run.ID, run.Metric, run.N, run.P50MS, run.P95MS, run.P99MS = "send_message/run", "run", 1, new(2949.12), new(2949.12), new(2949.12)
	run.Bars = []admin.Bar{{BelowMS: 4194.304, N: 1}}
	e2e.ID, e2e.Metric, e2e.Bars = "send_message/e2e", "e2e", []admin.Bar{}
	want := admin.List[admin.LatencyItem]{Kind: "latency", AsOf: day.Add(time.Minute), StaleMS: 60_000, Items: []admin.LatencyItem{wait, run, e2e}}
	require.Empty(t, cmp.Diff(want, got))
}

// What was asked must be what is answered, within what the caller may see.
func TestLatencyNarrows(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	all, bound := as(t, server, "viewer"), as(t, server, "@viewer")
	got, err := all.Latency(t.Context(), admin.LatencyQuery{
		By: "org", Window: "24h", Org: "globex", Queue: "instagram", Type: "send_message", Metric: "run", Limit: 3,
	})
	require.NoError(t, err)
	require.Len(t, got.Items, 1)
	require.Equal(t, []any{"acme", "acme", "org", "run"}, []any{got.Items[0].Name, *got.Items[0].Org, got.Items[0].By, got.Items[0].Metric})
	_, err = bound.Latency(t.Context(), admin.LatencyQuery{By: "queue"})
	require.NoError(t, err)
	require.Equal(t, []latency.Query{
		{By: latency.ByOrg, Window: 24 * time.Hour, OrgID: 2, Queue: job.Instagram, Type: job.SendMessage, Limit: 3},
		{By: latency.ByQueue, Window: 5 * time.Minute, OrgID: 1, Limit: 50},
	}, f.asked)

	for want, q := range map[string]admin.LatencyQuery{
		`there is no split "orgs": did you mean org?`:                {By: "orgs"},
		`there is no window "2m": did you mean 1m?`:                  {Window: "2m"},
		`there is no metric "runs": did you mean run?`:               {Metric: "runs"},
		`there is no queue "whatsap": did you mean whatsapp?`:        {Queue: "whatsap"},
		`there is no type "send_mesage": did you mean send_message?`: {Type: "send_mesage"},
		`there is no org "acmee": did you mean acme?`:                {Org: "acmee"},
		`limit "1001" is not a number from 1 to 1000`:                {Limit: 1001},
	} {
		require.EqualError(t, second(all.Latency(t.Context(), q)), want)
	}
	require.EqualError(t, second(bound.Latency(t.Context(), admin.LatencyQuery{Org: "globex"})), "there is no org \"globex\": see `inboxctl orgs list`")
}

// Right after a start latency is not known yet. The status comes without it, at
// once; who asks for latency is told to come again.
func TestLatencyIsNotKnownYet(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.unknown = inbox.Faultf(inbox.Temporary, "latency_loading", "latency is being rebuilt")
	client := as(t, onSocket(t, newHandler(t, f)), "")
	s, err := client.Status(t.Context())
	require.NoError(t, err)
	require.True(t, s.Item.Healthy)
	_, err = client.Latency(t.Context(), admin.LatencyQuery{})
	require.Equal(t, admin.Temporary, admin.KindOf(err))
}
