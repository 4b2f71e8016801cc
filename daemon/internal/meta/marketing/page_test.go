package marketing_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/meta/marketing"
)

const account = "500000000000601"

func october() inbox.DayRange {
	return inbox.DayRange{Since: day("2026-10-01"), Until: day("2026-10-04")}
}

func day(s string) time.Time {
	t, err := time.Parse(inbox.DayLayout, s)
	if err != nil {
		panic(err)
	}
	return t
}

type recorded struct {
	HTTP struct {
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"http"`
}

func fixture(tb testing.TB, name string) recorded {
	tb.Helper()
	raw, err := os.ReadFile("../fixtures/marketing/" + name + ".json")
	require.NoError(tb, err)
	var r recorded
	require.NoError(tb, json.Unmarshal(raw, &r))
	return r
}

func (r recorded) header() http.Header {
	h := http.Header{}
	for name, value := range r.HTTP.Headers {
		h.Set(name, value)
	}
	return h
}

// What a recorded page says, row by row.
func TestRecordedPages(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		account string
		spends  []inbox.Amount
		refused []string
		after   string
	}{
		"res_insights_page1":                      {account, []inbox.Amount{"143.27", "20", "0"}, nil, "MTAx"},
		"res_insights_page2_empty_with_next":      {account, nil, nil, "MTAy"},
		"res_insights_page3_last":                 {account, []inbox.Amount{"151.9", "1234567.89"}, nil, ""},
		"res_insights_empty":                      {account, nil, nil, ""},
		"res_insights_jpy":                        {"500000000000602", []inbox.Amount{"15800"}, nil, ""},
		"res_insights_missing_days":               {account, []inbox.Amount{"10", "12.5"}, nil, ""},
		"res_insights_restated":                   {account, []inbox.Amount{"139.05"}, nil, ""},
		"res_insights_duplicate_rows":             {account, []inbox.Amount{"143.27", "143.27"}, nil, ""},
		"res_usage_high_95":                       {account, []inbox.Amount{"143.27"}, nil, ""},
		"res_insights_spend_bad_number":           {account, nil, []string{"bad spend", "bad spend", "bad spend"}, ""},
		"res_insights_spend_missing":              {account, nil, []string{"no spend"}, ""},
		"res_insights_account_level_no_increment": {account, nil, []string{"no campaign"}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := marketing.Decode(fixture(t, name).HTTP.Body, c.account, october())
			require.NoError(t, err)
			var spends []inbox.Amount
			for _, row := range p.Rows {
				spends = append(spends, row.Spend)
			}
			var refused []string
			for _, row := range p.Refused {
				refused = append(refused, row.Reason)
			}
			require.Equal(t, c.spends, spends)
			require.Equal(t, c.refused, refused)
			require.Equal(t, c.after, p.After)
		})
	}
}

// A refused row must say which day and campaign it is, where that can be read:
// only then what is stored of it is kept and the rest brought up to date.
func TestRefusedRowsAreNamed(t *testing.T) {
	t.Parallel()
	p, err := marketing.Decode(fixture(t, "res_insights_spend_bad_number").HTTP.Body, account, october())
	require.NoError(t, err)
	require.Equal(t, inbox.RefusedRow{CampaignID: "120210000000000601", Day: day("2026-10-01"), Reason: "bad spend"}, p.Refused[0])
	p, err = marketing.Decode(fixture(t, "res_insights_page1").HTTP.Body, "1", october())
	require.NoError(t, err)
	require.Equal(t, inbox.RefusedRow{Reason: "another account"}, p.Refused[0])
}

func TestBadRows(t *testing.T) {
	t.Parallel()
	good := `"account_id":"500000000000601","account_currency":"USD","campaign_id":"1","spend":"1","date_start":"2026-10-01","date_stop":"2026-10-01"`
	for change, reason := range map[string]string{
		`"spend":1.5e3`:                "bad spend",
		`"spend":null`:                 "bad spend",
		`"spend":{"x":1}`:              "bad spend",
		`"account_currency":"dollars"`: "bad currency",
		`"impressions":"-1"`:           "bad count",
		`"clicks":"many"`:              "bad count",
		`"campaign_id":"1;drop"`:       "no campaign",
		`"date_stop":"2026-10-02"`:     "not one day of the range",
		`"date_start":"2026-09-30","date_stop":"2026-09-30"`: "not one day of the range",
		`"date_start":"yesterday"`:                           "not one day of the range",
	} {
		p, err := marketing.Decode([]byte(`{"data":[{`+good+`,`+change+`}]}`), account, october())
		require.NoError(t, err)
		require.Empty(t, p.Rows, change)
		require.Equal(t, reason, p.Refused[0].Reason, change)
	}
	p, err := marketing.Decode([]byte(`{"data":[{`+good+`,"campaign_name":"a\u0000b"}]}`), account, october())
	require.NoError(t, err)
	require.Equal(t, "ab", p.Rows[0].Campaign, "PostgreSQL takes no NUL")
}

func TestNotAPage(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `[]`, `{}`, `{"data":null}`, `{"data":{}}`, `<html>`, `{"data":[1]}`} {
		_, err := marketing.Decode([]byte(body), account, october())
		require.Error(t, err, body)
	}
	_, err := marketing.Decode([]byte(`{"data":[],"paging":{"next":"https://x/?token=1"}}`), account, october())
	require.ErrorContains(t, err, "cursor", "a page that cannot be followed is not the last one")
	p, err := marketing.Decode([]byte(`{"data":[],"paging":{"next":"https://x/?access_token=secret&after=abc"}}`), account, october())
	require.NoError(t, err)
	require.Equal(t, "abc", p.After)
	p, err = marketing.Decode([]byte(`{"data":[],"paging":{"cursors":{"after":"abc"}}}`), account, october())
	require.NoError(t, err)
	require.Empty(t, p.After, "a cursor without next is the end")
}

func TestReport(t *testing.T) {
	t.Parallel()
	g := marketing.NewReport(october())
	require.NoError(t, g.Add(marketing.Page{Rows: rows(2), After: "a"}, time.Minute))
	require.NoError(t, g.Add(marketing.Page{Rows: rows(3), After: "b"}, 0))
	require.Len(t, g.Done().Rows, 3, "a row that comes twice counts once")
	require.Equal(t, time.Minute, g.Done().Quiet)
	require.ErrorIs(t, g.Add(marketing.Page{After: "a"}, 0), marketing.ErrCursor)

	g = marketing.NewReport(october())
	require.ErrorIs(t, g.Add(marketing.Page{Rows: rows(marketing.MaxRows + 1)}, 0), marketing.ErrTooMuch)
	g = marketing.NewReport(october())
	var err error
	pages := 0
	for ; err == nil && pages <= marketing.MaxPages; pages++ {
		err = g.Add(marketing.Page{After: strings.Repeat("x", pages+1)}, 0)
	}
	require.ErrorIs(t, err, marketing.ErrTooMuch)
}

func rows(n int) (all []inbox.CampaignDay) {
	for i := range n {
		all = append(all, inbox.CampaignDay{CampaignID: strings.Repeat("1", i%64) + "-" + string(rune('a'+i/64%26)) + string(rune('a'+i/1664)), Day: day("2026-10-01"), Spend: "1"})
	}
	return all
}

func TestUsage(t *testing.T) {
	t.Parallel()
	require.Equal(t, 5*time.Minute, marketing.UsageOf(fixture(t, "res_usage_high_95").header()).Quiet(), "95 %, and no word how long")
	require.Zero(t, marketing.UsageOf(fixture(t, "res_insights_page1").header()).Quiet())
	require.Equal(t, 12*time.Minute, marketing.UsageOf(fixture(t, "err_80000_ads_insights").header()).Quiet(), "minutes")
	for header, want := range map[[2]string]time.Duration{
		{"x-ad-account-usage", `{"acc_id_util_pct":100,"reset_time_duration":90}`}:                        90 * time.Second,
		{"x-fb-ads-insights-throttle", `{"app_id_util_pct":100,"acc_id_util_pct":10}`}:                    5 * time.Minute,
		{"x-app-usage", `{"call_count":28,"total_cputime":99,"total_time":25}`}:                           5 * time.Minute,
		{"x-app-usage", `{"call_count":28}`}:                                                              0,
		{"x-app-usage", `nonsense`}:                                                                       0,
		{"x-business-use-case-usage", `{"1":[{"call_count":95,"estimated_time_to_regain_access":1e18}]}`}: time.Hour,
		{"x-ad-account-usage", `{"acc_id_util_pct":100,"reset_time_duration":-5}`}:                        5 * time.Minute,
	} {
		h := http.Header{}
		h.Set(header[0], header[1])
		require.Equal(t, want, marketing.UsageOf(h).Quiet(), header)
	}
}

func TestReportIsDone(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]inbox.ReportState{
		"res_async_job_completed":       {Done: true, Percent: 100},
		"res_async_job_completed_at_90": {Percent: 90},
		"res_async_job_running":         {Percent: 43},
		"res_async_job_failed":          {Percent: 100},
		"res_async_job_skipped":         {},
	} {
		require.Equal(t, want, marketing.State(fixture(t, name).HTTP.Body), name)
	}
	require.Equal(t, "640000000000001", marketing.RunID(fixture(t, "res_async_created").HTTP.Body))
	require.Empty(t, marketing.RunID([]byte(`{"report_run_id":"../me"}`)), "it becomes part of a path")
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"res_insights_page1", "res_insights_page2_empty_with_next", "res_insights_spend_bad_number"} {
		f.Add([]byte(fixture(f, name).HTTP.Body))
	}
	f.Add([]byte(`{"data":[{"spend":[]}],"paging":{"next":"%"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := marketing.Decode(body, account, october())
		if err != nil {
			return
		}
		for _, row := range p.Rows {
			if again, ok := inbox.ParseAmount(string(row.Spend)); !ok || again != row.Spend ||
				!october().Contains(row.Day) || row.CampaignID == "" || len(row.Currency) != 3 || row.Impressions < 0 || row.Clicks < 0 ||
				inbox.Clean(row.Campaign) != row.Campaign {
				t.Fatalf("%+v was taken from %q", row, body)
			}
		}
	})
}
