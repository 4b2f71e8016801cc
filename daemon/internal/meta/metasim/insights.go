package metasim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// insights serves a page of rows, of an account or of a report.
func (x *reading) insights() answer {
	book := x.sim.books.get(x.line.ID)
	since, until, wrong := x.days(book)
	if wrong != "" {
		return x.refuse(wrong)
	}
	x.sim.books.note(x.line.ID, since+".."+until)
	var rows []SpendRow
	for _, row := range book.Rows {
		if row.Day >= since && row.Day <= until {
			rows = append(rows, row)
		}
	}
	a := say(x.page(book, rows))
	a.headers = usageHeaders(x.line.ID, book)
	return a
}

// days returns the range a call is about, or the fixture that refuses it.
func (x *reading) days(book Book) (since, until, wrong string) {
	if run := x.sim.books.run(x.r.PathValue("id")); run != nil {
		if x.sim.books.polls(run.id) <= book.ReportPolls || book.ReportFails {
			return "", "", "marketing/err_100_invalid_field" // it is not done: nobody may ask
		}
		return run.since, run.until, ""
	}
	since, until, ok := rangeOf(x.query.Get("time_range"))
	if !ok || x.query.Get("level") != "campaign" || x.query.Get("time_increment") != "1" {
		return "", "", "marketing/err_100_invalid_field"
	}
	if book.MostDays > 0 && daysBetween(since, until) > book.MostDays {
		return "", "", "marketing/err_100_1487534_too_much_data"
	}
	return since, until, ""
}

func rangeOf(timeRange string) (since, until string, ok bool) {
	var days struct {
		Since string `json:"since"`
		Until string `json:"until"`
	}
	if json.Unmarshal([]byte(timeRange), &days) != nil {
		return "", "", false
	}
	return days.Since, days.Until, daysBetween(days.Since, days.Until) > 0
}

// daysBetween counts the days of a range, both included; 0 if it is none.
func daysBetween(since, until string) int {
	first, err1 := time.Parse(time.DateOnly, since)
	last, err2 := time.Parse(time.DateOnly, until)
	if err1 != nil || err2 != nil || last.Before(first) {
		return 0
	}
	return int(last.Sub(first).Hours()/24) + 1
}

// emptyMark stands in the cursor of the empty page.
const emptyMark = "e"

// page cuts the rows. Cursors are opaque; the URL of the next page carries the
// token, as Meta's does.
func (x *reading) page(book Book, rows []SpendRow) map[string]any {
	size, _ := strconv.Atoi(x.query.Get("limit"))
	if book.PageRows > 0 {
		size = book.PageRows
	}
	if size <= 0 {
		size = 25
	}
	position, _ := base64.RawURLEncoding.DecodeString(x.query.Get("after"))
	after := string(position)
	empty := after == emptyMark
	start := size
	if !empty {
		start, _ = strconv.Atoi(after)
	}
	end := min(start+size, len(rows))
	if empty {
		end = min(start, len(rows))
	}
	data := []map[string]string{}
	for _, row := range rows[min(start, end):end] {
		data = append(data, x.row(row))
	}
	next := strconv.Itoa(end)
	switch {
	case start == 0 && book.EmptyPage:
		next = emptyMark
	case book.RepeatCursor:
		next = strconv.Itoa(min(size, len(rows)))
	case end >= len(rows):
		return map[string]any{"data": data}
	}
	cursor := base64.RawURLEncoding.EncodeToString([]byte(next))
	return map[string]any{"data": data, "paging": map[string]any{
		"cursors": map[string]string{"before": "MAZDZD", "after": cursor},
		"next":    fmt.Sprintf("https://graph.facebook.com%s?access_token=%s&after=%s", x.r.URL.Path, bearer(x.r), cursor),
	}}
}

func (x *reading) row(r SpendRow) map[string]string {
	return map[string]string{
		"account_id": x.line.ID, "account_currency": r.Currency, "campaign_id": r.CampaignID, "campaign_name": r.Campaign,
		"spend": r.Spend, "impressions": strconv.Itoa(r.Impressions), "clicks": strconv.Itoa(r.Clicks),
		"date_start": r.Day, "date_stop": r.Day,
	}
}

func usageHeaders(account string, b Book) map[string]string {
	return map[string]string{
		"x-business-use-case-usage": fmt.Sprintf(
			`{"%s":[{"type":"ads_insights","call_count":%d,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":%d}]}`,
			account, b.UsagePercent, b.RegainMinutes),
		"x-fb-ads-insights-throttle": fmt.Sprintf(`{"app_id_util_pct":0.4,"acc_id_util_pct":%d}`, b.UsagePercent),
		"x-ad-account-usage":         fmt.Sprintf(`{"acc_id_util_pct":%d,"reset_time_duration":100}`, b.UsagePercent),
		"x-app-usage":                `{"call_count":3,"total_cputime":1,"total_time":2}`,
	}
}

// startReport opens a report; its range may be as long as it likes.
func (x *reading) startReport() answer {
	since, until, ok := rangeOf(x.query.Get("time_range"))
	if !ok {
		return x.refuse("marketing/err_100_invalid_field")
	}
	return say(map[string]string{"report_run_id": x.sim.books.start(x.line.ID, since, until)})
}

// reportState tells how far a report is. A failed one says 100 % too.
func (x *reading) reportState() answer {
	book, id := x.sim.books.get(x.line.ID), x.r.PathValue("id")
	seen := x.sim.books.look(id)
	state := map[string]any{"id": id, "account_id": x.line.ID, "async_status": "Job Completed", "async_percent_completion": 100}
	switch {
	case seen < book.ReportPolls-1:
		state["async_status"], state["async_percent_completion"] = "Job Running", 43
	case seen < book.ReportPolls:
		state["async_percent_completion"] = 90 // completed, and yet not done
	case book.ReportFails:
		return x.refuse("marketing/res_async_job_failed")
	}
	return say(state)
}

// adAccount tells the time zone.
func (x *reading) adAccount() answer {
	return say(map[string]any{
		"id": "act_" + x.line.ID, "account_id": x.line.ID, "timezone_name": x.sim.books.get(x.line.ID).TimeZone, "account_status": 1,
	})
}
