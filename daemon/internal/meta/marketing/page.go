// Package marketing reads what the Marketing API says about ad spend: pages of
// insights, report runs, ad accounts and the usage headers. It owns the rule
// that money is exact or refused; it refuses HTTP (meta's client makes the
// calls) and storage.
package marketing

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Page is one page of insights. After is the cursor of the next one; empty:
// this was the last.
type Page struct {
	Rows    []inbox.CampaignDay
	Refused []inbox.RefusedRow
	After   string
}

// errPage says that an answer is no page of insights.
var errPage = errors.New("the answer is no page of insights")

// errNext says that there is a next page whose cursor is missing.
var errNext = errors.New("the answer names a next page without its cursor")

// Decode reads a page of an ad account's insights. A row that is not exactly
// one known campaign, day and amount is refused, and the page kept. Whether
// there is a next page is said by `next` alone: a page may be empty and still
// have one. That URL carries the token, so only its cursor is taken.
func Decode(body []byte, account string, r inbox.DayRange) (Page, error) {
	var raw struct {
		Data   []map[string]json.RawMessage `json:"data"`
		Paging struct {
			Next    string `json:"next"`
			Cursors struct {
				After string `json:"after"`
			} `json:"cursors"`
		} `json:"paging"`
	}
	if err := json.Unmarshal(body, &raw); err != nil || raw.Data == nil {
		return Page{}, errPage
	}
	var p Page
	for _, data := range raw.Data {
		row, refused := decodeRow(data, account, r)
		if refused.Reason != "" {
			p.Refused = append(p.Refused, refused)
			continue
		}
		p.Rows = append(p.Rows, row)
	}
	if raw.Paging.Next != "" {
		if p.After = raw.Paging.Cursors.After; p.After == "" {
			p.After = cursorOf(raw.Paging.Next)
		}
		if p.After == "" {
			return Page{}, errNext
		}
	}
	return p, nil
}

func cursorOf(next string) string {
	u, err := url.Parse(next)
	if err != nil {
		return ""
	}
	return u.Query().Get("after")
}

var (
	campaignPattern = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
)

const maxName = 400 // runes of a campaign's name

func decodeRow(data map[string]json.RawMessage, account string, r inbox.DayRange) (inbox.CampaignDay, inbox.RefusedRow) {
	row := inbox.CampaignDay{
		CampaignID: text(data["campaign_id"]), Campaign: name(text(data["campaign_name"])), Currency: text(data["account_currency"]),
	}
	day, err := time.Parse(inbox.DayLayout, text(data["date_start"]))
	spend, exact := inbox.ParseAmount(text(data["spend"]))
	impressions, counted1 := count(data["impressions"])
	clicks, counted2 := count(data["clicks"])
	row.Spend, row.Impressions, row.Clicks = spend, impressions, clicks
	refused := inbox.RefusedRow{}
	if campaignPattern.MatchString(row.CampaignID) {
		refused.CampaignID = row.CampaignID
	}
	if err == nil && r.Contains(day) && text(data["date_stop"]) == text(data["date_start"]) {
		row.Day, refused.Day = day, day
	}
	switch {
	case text(data["account_id"]) != account:
		refused = inbox.RefusedRow{Reason: "another account"}
	case refused.CampaignID == "":
		refused.Reason = "no campaign"
	case row.Day.IsZero():
		refused.Reason = "not one day of the range"
	case data["spend"] == nil:
		refused.Reason = "no spend"
	case !exact:
		refused.Reason = "bad spend"
	case !currencyPattern.MatchString(row.Currency):
		refused.Reason = "bad currency"
	case !counted1 || !counted2:
		refused.Reason = "bad count"
	}
	return row, refused
}

// text returns a string, or a number as it is written; empty for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// count reads a whole number; an absent one is zero.
func count(raw json.RawMessage) (int64, bool) {
	if raw == nil {
		return 0, true
	}
	n, err := strconv.ParseInt(text(raw), 10, 64)
	return n, err == nil && n >= 0
}

func name(s string) string {
	s = strings.TrimSpace(inbox.Clean(s))
	if runes := []rune(s); len(runes) > maxName {
		s = string(runes[:maxName])
	}
	return s
}
