package meta_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const (
	adAccount = "500000000000601"
	adToken   = "EAAJspendTokenThatNobodyMaySee"
	simSecret = "sim-app-secret-nobody-may-see"
)

// spendSim is a simulated Meta with an ad account, and a client of it.
func spendSim(t *testing.T, book metasim.Book) (*metasim.Sim, *meta.Client, inbox.SpendAccount) {
	t.Helper()
	sim, err := metasim.New(metasim.Options{AppSecret: simSecret, Seed: 1})
	require.NoError(t, err)
	require.NoError(t, sim.AddAccount(metasim.Account{Kind: metasim.AdAccount, ID: adAccount, Token: adToken}))
	require.NoError(t, sim.SetBook(adAccount, book))
	require.NoError(t, sim.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, sim.Stop(ctx))
	})
	return sim, clientOf(t, sim.URL(), sim.AppID(), simSecret), inbox.SpendAccount{
		Channel: inbox.Channel{ID: 5, OrgID: 1, Kind: inbox.AdAccount, ExternalID: "act_" + adAccount}, Token: adToken,
	}
}

func clientOf(t *testing.T, base, app string, secrets ...string) *meta.Client {
	t.Helper()
	client, err := meta.NewClient(meta.Options{GraphURL: base, InstagramURL: base, Version: "v26.0", AppID: app, AppSecrets: secrets})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func dayOf(s string) time.Time {
	at, err := time.Parse(inbox.DayLayout, s)
	if err != nil {
		panic(err)
	}
	return at
}

func fourDays() inbox.DayRange {
	return inbox.DayRange{Since: dayOf("2026-10-01"), Until: dayOf("2026-10-04")}
}

// twelve are three campaigns on four days, and one day outside.
func twelve() (rows []metasim.SpendRow) {
	for d := 1; d <= 5; d++ {
		for c := 1; c <= 3; c++ {
			rows = append(rows, metasim.SpendRow{
				CampaignID: fmt.Sprint(c), Campaign: "Whitening ✨", Day: fmt.Sprintf("2026-10-%02d", d), Spend: fmt.Sprintf("%d.%d7", d, c),
				Currency: "USD", Impressions: 1000, Clicks: 20,
			})
		}
	}
	return rows
}

// A report is whole or nothing: every page of it, an empty one in the middle
// included.
func TestInsightsReadsEveryPage(t *testing.T) {
	t.Parallel()
	for name, book := range map[string]metasim.Book{
		"OnePage":   {Rows: twelve()},
		"Pages":     {Rows: twelve(), PageRows: 5},
		"EmptyPage": {Rows: twelve(), PageRows: 5, EmptyPage: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, client, account := spendSim(t, book)
			report, result := client.Insights(t.Context(), account, fourDays())
			require.Equal(t, job.Succeed, result.Verdict, result.Detail)
			require.Len(t, report.Rows, 12)
			require.Empty(t, report.Refused)
			require.Equal(t, inbox.Amount("1.17"), report.Rows[0].Spend)
			require.Zero(t, report.Quiet)
			pages := map[string]int{"OnePage": 1, "Pages": 3, "EmptyPage": 4}[name]
			require.Len(t, sim.Asked(adAccount), pages)
		})
	}
}

// A cursor that comes again would be followed for ever.
func TestInsightsRepeatedCursor(t *testing.T) {
	t.Parallel()
	sim, client, account := spendSim(t, metasim.Book{Rows: twelve(), PageRows: 5, RepeatCursor: true})
	report, result := client.Insights(t.Context(), account, fourDays())
	require.Equal(t, [2]any{job.Retry, job.ClassTransient}, [2]any{result.Verdict, result.Class})
	require.Contains(t, result.Detail, "repeats a cursor")
	require.Empty(t, report.Rows, "half a report would make the other half zero")
	require.Len(t, sim.Asked(adAccount), 2)
}

// A provider gone mad may not fill our memory.
func TestInsightsHugeAnswer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"data":[],"x":"`))
		chunk := []byte(strings.Repeat("x", 1<<16))
		for range 1 << 10 { // 64 MiB, if anybody reads them
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
		_, _ = w.Write([]byte(`"}`))
	}))
	t.Cleanup(server.Close)
	_, _, account := spendSim(t, metasim.Book{})
	_, result := clientOf(t, server.URL, "1", "s").Insights(t.Context(), account, fourDays())
	require.Equal(t, [2]any{job.Retry, job.ClassTooMuchData}, [2]any{result.Verdict, result.Class})
}

// Reads have no effect: whatever breaks may be tried again.
func TestInsightsBreaks(t *testing.T) {
	t.Parallel()
	sim, client, account := spendSim(t, metasim.Book{Rows: twelve()})
	_, err := sim.AddRule(metasim.Rule{Type: "insights", Effect: metasim.DropAnswer, Next: 1})
	require.NoError(t, err)
	_, result := client.Insights(t.Context(), account, fourDays())
	require.Equal(t, [2]any{job.Retry, job.ClassTransient}, [2]any{result.Verdict, result.Class})
	_, result = client.Insights(t.Context(), account, fourDays())
	require.Equal(t, job.Succeed, result.Verdict)

	account.Token = "EAAJwrong"
	_, result = client.Insights(t.Context(), account, fourDays())
	require.Equal(t, [2]any{job.Fail, job.ClassAuth}, [2]any{result.Verdict, result.Class})
	account.Token = ""
	_, result = client.Insights(t.Context(), account, fourDays())
	require.Equal(t, job.ClassAuth, result.Class)
}

// Every refusal of the Marketing API, through the whole client.
func TestInsightsRefused(t *testing.T) {
	t.Parallel()
	sim, client, account := spendSim(t, metasim.Book{})
	seen := 0
	for _, f := range manifest(t, "response") {
		if f.product() != meta.Marketing || f.Class == "ok" {
			continue
		}
		seen++
		rule, err := sim.AddRule(metasim.Rule{Type: "insights", Effect: metasim.Answer, Fixture: testName(f.File)})
		require.NoError(t, err)
		_, result := client.Insights(t.Context(), account, fourDays())
		require.Equal(t, f.Class, string(result.Class), f.File)
		if strings.HasPrefix(f.Class, "throttle") {
			require.Equal(t, job.Throttle, result.Verdict, f.File)
			require.GreaterOrEqual(t, result.RetryAfter, time.Minute, f.File)
			require.NotEmpty(t, result.Scope, f.File)
		}
		require.True(t, sim.RemoveRule(rule.ID))
	}
	require.Greater(t, seen, 20)
}

func TestReportRun(t *testing.T) {
	t.Parallel()
	_, client, account := spendSim(t, metasim.Book{Rows: twelve(), MostDays: 1, ReportPolls: 2, TimeZone: "America/New_York", UsagePercent: 95, RegainMinutes: 3})
	_, result := client.Insights(t.Context(), account, fourDays())
	require.Equal(t, job.ClassTooMuchData, result.Class)
	id, result := client.StartReport(t.Context(), account, fourDays())
	require.Equal(t, job.Succeed, result.Verdict)
	account.Run = inbox.ReportRun{ID: id, Range: fourDays()}
	for _, want := range []inbox.ReportState{{Percent: 43}, {Percent: 90}, {Done: true, Percent: 100}} {
		state, result := client.ReportState(t.Context(), account)
		require.Equal(t, job.Succeed, result.Verdict, result.Detail)
		require.Equal(t, want, state)
	}
	report, result := client.ReportRows(t.Context(), account)
	require.Equal(t, job.Succeed, result.Verdict, result.Detail)
	require.Len(t, report.Rows, 12)
	require.Equal(t, 3*time.Minute, report.Quiet)
	zone, result := client.AdAccountZone(t.Context(), account)
	require.Equal(t, job.Succeed, result.Verdict, result.Detail)
	require.Equal(t, "America/New_York", zone)
}

func TestReportFailsAtHundredPercent(t *testing.T) {
	t.Parallel()
	_, client, account := spendSim(t, metasim.Book{Rows: twelve(), ReportFails: true})
	id, _ := client.StartReport(t.Context(), account, fourDays())
	account.Run = inbox.ReportRun{ID: id, Range: fourDays()}
	state, result := client.ReportState(t.Context(), account)
	require.Equal(t, job.ClassReportFailed, result.Class)
	require.False(t, state.Done)
}
