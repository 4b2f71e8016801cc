package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const adAccount = "500000000000601"

// spendAnswer is GET /v1/spend as far as tests look.
type spendAnswer struct {
	Totals []struct {
		Currency string `json:"currency"`
		Spend    string `json:"spend"`
	} `json:"totals"`
	Accounts []struct {
		TimeZone  string `json:"time_zone"`
		Campaigns []struct {
			ID    string `json:"id"`
			Spend string `json:"spend"`
			Days  []struct {
				Day   string `json:"day"`
				Spend string `json:"spend"`
			} `json:"days"`
		} `json:"campaigns"`
	} `json:"accounts"`
}

// book reads the spend of the last month, "day campaign spend".
func (h *house) book() (lines []string, answer spendAnswer) {
	h.t.Helper()
	now := time.Now()
	target := fmt.Sprintf("/v1/spend?since=%s&until=%s", now.AddDate(0, 0, -40).Format(time.DateOnly), now.AddDate(0, 0, 2).Format(time.DateOnly))
	require.Equal(h.t, http.StatusOK, h.call(http.MethodGet, target, "", &answer))
	for _, a := range answer.Accounts {
		for _, c := range a.Campaigns {
			for _, d := range c.Days {
				lines = append(lines, d.Day+" "+c.ID+" "+d.Spend)
			}
		}
	}
	return lines, answer
}

// advertise adds an ad account to org acme, and to the simulator.
func (h *house) advertise() {
	h.t.Helper()
	require.NoError(h.t, h.sim.AddAccount(metasim.Account{Kind: metasim.AdAccount, ID: adAccount, Token: "ad-token"}))
	c := h.admin()
	_, err := c.AddChannel(h.t.Context(), admin.ChannelAdd{Org: "acme", Kind: "ad_account", ExternalID: adAccount, Token: "ad-token"})
	require.NoError(h.t, err)
}

func (h *house) admin() *admin.Client {
	h.t.Helper()
	c, err := admin.NewClient(admin.Options{Server: "unix://" + h.socket})
	require.NoError(h.t, err)
	h.t.Cleanup(c.Close)
	return c
}

// recordedRows are the rows of recorded pages of insights, moved so that the
// first of October becomes the given day.
func recordedRows(t *testing.T, first time.Time, names ...string) (rows []metasim.SpendRow) {
	t.Helper()
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join("internal/meta/fixtures/marketing", name+".json"))
		require.NoError(t, err)
		var file struct {
			HTTP struct {
				Body struct {
					Data []struct {
						Currency string `json:"account_currency"`
						ID       string `json:"campaign_id"`
						Name     string `json:"campaign_name"`
						Spend    string `json:"spend"`
						Day      string `json:"date_start"`
					} `json:"data"`
				} `json:"body"`
			} `json:"http"`
		}
		require.NoError(t, json.Unmarshal(raw, &file))
		for _, d := range file.HTTP.Body.Data {
			day, err := time.Parse(time.DateOnly, d.Day)
			require.NoError(t, err)
			moved := first.AddDate(0, 0, day.Day()-1).Format(time.DateOnly)
			rows = append(rows, metasim.SpendRow{CampaignID: d.ID, Campaign: d.Name, Day: moved, Spend: d.Spend, Currency: d.Currency})
		}
	}
	return rows
}

// syncAgain lets the next hour begin.
func (h *house) syncAgain() { h.exec(`DELETE FROM periodic_runs WHERE name = 'sync_spend'`) }

// What an org spent is right to the cent: over pages, one of them empty, after
// the provider has restated a day and taken another back.
func TestSpendIsExact(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.every = 50 * time.Millisecond
	h.start("all")
	h.furnish()
	first := time.Now().UTC().AddDate(0, 0, -10)
	day := func(n int) string { return first.AddDate(0, 0, n-1).Format(time.DateOnly) }
	rows := recordedRows(t, first, "res_insights_page1", "res_insights_page2_empty_with_next", "res_insights_page3_last")
	h.advertise()
	require.NoError(t, h.sim.SetBook(adAccount, metasim.Book{Rows: rows, PageRows: 2, EmptyPage: true, TimeZone: "America/New_York"}))
	h.syncAgain()
	want := []string{
		day(1) + " 120210000000000601 143.27", day(2) + " 120210000000000601 0", day(3) + " 120210000000000601 151.9",
		day(1) + " 120210000000000602 20", day(4) + " 120210000000000603 1234567.89",
	}
	h.awaitBook(want, "1234883.06")

	var restated []metasim.SpendRow
	for _, row := range rows {
		if row.Day != day(3) { // taken back: it is simply absent
			restated = append(restated, row)
		}
	}
	for i, row := range recordedRows(t, first, "res_insights_restated") {
		require.Equal(t, restated[i].CampaignID, row.CampaignID)
		restated[i].Spend = row.Spend
	}
	require.NoError(t, h.sim.SetBook(adAccount, metasim.Book{Rows: restated, PageRows: 1, TimeZone: "America/New_York"}))
	h.syncAgain()
	want[0], want[2] = day(1)+" 120210000000000601 139.05", day(3)+" 120210000000000601 0"
	h.awaitBook(want, "1234726.94")
	_, answer := h.book()
	require.Equal(t, "America/New_York", answer.Accounts[0].TimeZone)
}

func (h *house) awaitBook(want []string, total string) {
	h.t.Helper()
	require.EventuallyWithT(h.t, func(t *collect) {
		lines, answer := h.book()
		require.Equal(t, want, lines)
		require.Equal(t, total, answer.Totals[0].Spend)
	}, patience, 50*time.Millisecond)
}

// An account that is too much for one answer, and for halves, is read from a
// report; the slot is free while the provider works on it.
func TestSpendByReport(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.every = 50 * time.Millisecond
	h.start("all")
	h.furnish()
	require.NoError(t, h.sim.AddAccount(metasim.Account{Kind: metasim.AdAccount, ID: adAccount, Token: "ad-token"}))
	rows := recordedRows(t, time.Now().UTC().AddDate(0, 0, -10), "res_insights_page1")
	require.NoError(t, h.sim.SetBook(adAccount, metasim.Book{Rows: rows, ReportPolls: 1}))
	_, err := h.sim.AddRule(metasim.Rule{Type: "insights", Effect: metasim.Answer, Fixture: "marketing/err_100_1504018_timeout", Next: 6})
	require.NoError(t, err)
	h.advertiseKnown()
	require.EventuallyWithT(t, func(t *collect) {
		h.exec(`UPDATE jobs SET run_at = now() WHERE state = 0 AND job_type = 4`)
		_, answer := h.book()
		require.NotEmpty(t, answer.Totals)
		require.Equal(t, "163.27", answer.Totals[0].Spend)
	}, patience, 50*time.Millisecond)
}

// advertiseKnown adds an ad account that the simulator has already.
func (h *house) advertiseKnown() {
	h.t.Helper()
	_, err := h.admin().AddChannel(h.t.Context(), admin.ChannelAdd{Org: "acme", Kind: "ad_account", ExternalID: adAccount, Token: "ad-token"})
	require.NoError(h.t, err)
}

// aging makes a channel's token one that is due for renewal.
func (h *house) aging(kind, external string) {
	h.t.Helper()
	h.exec(`
UPDATE channels SET token_kind = $1, token_issued_at = now() - interval '50 days', token_expires_at = now() + interval '10 days',
       token_checked_at = now(), token_refresh_at = now() - interval '1 minute' WHERE external_id = $2`, kind, external)
}

// tokenState is what is stored of a token.
type tokenState struct {
	Version int64
	Expires time.Time
	State   string
}

func (h *house) tokenState(external string) (s tokenState) {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.dsn)
	require.NoError(h.t, err)
	defer func() { _ = conn.Close(h.t.Context()) }()
	err = conn.QueryRow(h.t.Context(), `
SELECT token_version, coalesce(token_expires_at, 'epoch'), state FROM channels WHERE external_id = $1`, external).Scan(&s.Version, &s.Expires, &s.State)
	require.NoError(h.t, err)
	return s
}

// Four workers, many jobs for the same token, all at once: one new token. Then
// sends work with it, and the operator sees its expiry.
func TestTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.every = 20 * time.Millisecond
	h.start("api")
	h.furnish()
	socket := h.socket
	for range 4 {
		h.start("worker")
	}
	h.socket = socket
	h.aging("instagram_long", igAccount)
	h.aging("system_user", waNumber)
	// Jobs that nobody should have made, for whom the first must do.
	h.exec(`
INSERT INTO jobs (org_id, queue, job_type, priority, state, max_attempts, subject_id, serial_key, ready_at, deadline_at)
SELECT org_id, 5, 5, 2, 1, 8, id, id, now(), now() + interval '1 day'
FROM channels, generate_series(1, 20) n WHERE kind = 'instagram'`)
	for _, external := range []string{igAccount, waNumber} {
		require.EventuallyWithT(t, func(t *collect) {
			s := h.tokenState(external)
			require.EqualValues(t, 2, s.Version)
			require.WithinRange(t, s.Expires, time.Now().Add(59*24*time.Hour), time.Now().Add(61*24*time.Hour))
		}, patience, 20*time.Millisecond)
	}
	require.Eventually(t, func() bool { return h.unfinished("refresh_token") == 0 }, patience, 20*time.Millisecond)
	require.Equal(t, 2, h.sim.Renewals(waNumber), "both channels have the same token: one renewal each")
	require.EqualValues(t, 2, h.tokenState(igAccount).Version)

	conversation := h.customer(waNumber, "12025550101", "hello")
	h.awaitStatus(h.reply(conversation, "with the new token").Message.ID, "delivered", "read")
	channels, err := h.admin().Channels(t.Context(), "acme")
	require.NoError(t, err)
	require.NotNil(t, channels.Items[0].TokenExpiresAt)
	require.NotContains(t, h.logs.String(), "EAAJsim")
	require.NotContains(t, h.logs.String(), "IGAAsim")
	require.NotContains(t, h.logs.String(), "channel-token")
	require.NotContains(t, h.logs.String(), appSecret)
}

// unfinished counts the jobs of a type that are not done.
func (h *house) unfinished(jobType string) int {
	h.t.Helper()
	list, err := h.admin().Jobs(h.t.Context(), admin.Selector{Type: []string{jobType}}, admin.Page{})
	require.NoError(h.t, err)
	return len(list.Items)
}

// The provider has made a new token, and its answer is lost; then the worker
// asks again with the old one, which still works.
func TestTokenAnswerIsLost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.every = 20 * time.Millisecond
	h.start("all")
	h.furnish()
	_, err := h.sim.AddRule(metasim.Rule{Type: "renewal", Effect: metasim.DropAnswer, Next: 1})
	require.NoError(t, err)
	h.aging("system_user", waNumber)
	require.Eventually(t, func() bool { return h.tokenState(waNumber).Version == 2 }, patience, 20*time.Millisecond)
	require.Equal(t, 2, h.sim.Renewals(waNumber))
	require.Equal(t, "active", h.tokenState(waNumber).State)
}

// Our app secret is wrong: no channel suffers, one alert, sends go on.
func TestWrongAppSecretStopsRenewals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.every = 20 * time.Millisecond
	h.start("all")
	h.furnish()
	h.sim.SetWebhook(h.api+"/webhooks/meta", "another-secret")
	h.aging("system_user", waNumber)
	require.Eventually(t, func() bool { return strings.Contains(h.logs.String(), "all token renewals rest") }, patience, 20*time.Millisecond)
	h.sim.SetWebhook(h.api+"/webhooks/meta", appSecret)
	conversation := h.customer(waNumber, "12025550101", "hello")
	h.awaitStatus(h.reply(conversation, "still here").Message.ID, "delivered", "read")
	s := h.tokenState(waNumber)
	require.Equal(t, "active", s.State)
	require.EqualValues(t, 1, s.Version)
	require.Equal(t, 1, strings.Count(h.logs.String(), "all token renewals rest until"))
}
