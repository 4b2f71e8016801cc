package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Spending tells what an org's ad accounts spent. Too much for one answer is an
// Unprocessable fault.
type Spending interface {
	Spend(ctx context.Context, orgID int64, days inbox.DayRange) (inbox.Spend, error)
}

// longestSpend is the most days of one answer: a year and a month to compare.
const longestSpend = 400

func (a *api) registerSpend() {
	operate(a, huma.Operation{
		OperationID: "get-spend", Method: http.MethodGet, Path: "/v1/spend", Tags: []string{"Spend"},
		Summary: "Read ad spend",
		Description: "By ad account, campaign and day, both days included; each account counts days in its own time zone. " +
			"Amounts are decimal strings in whole currency units, exact to the last digit; currencies are never added up. " +
			"The provider restates recent days: the last 28 are read again every hour.",
	}, a.getSpend)
}

type getSpendInput struct {
	Since string `query:"since" required:"true" doc:"The first day, YYYY-MM-DD." example:"2026-10-01"`
	Until string `query:"until" required:"true" doc:"The last day, at most 400 days with the first." example:"2026-10-31"`
}

// spend is an org's ad spend on the wire.
type spend struct {
	Since    string         `json:"since"`
	Until    string         `json:"until"`
	Totals   []SpendTotal   `json:"totals" nullable:"false" doc:"One per currency."`
	Accounts []accountSpend `json:"accounts" nullable:"false"`
}

// SpendTotal is a sum. It is exported for huma, as Paging is.
type SpendTotal struct {
	Currency    string `json:"currency" example:"USD"`
	Spend       string `json:"spend" example:"143.27"`
	Impressions int64  `json:"impressions"`
	Clicks      int64  `json:"clicks"`
}

type accountSpend struct {
	ChannelID  string     `json:"channel_id"`
	ExternalID string     `json:"external_id" doc:"The provider's number of the ad account."`
	TimeZone   *string    `json:"time_zone" doc:"What the account counts its days in; null while the provider has not told."`
	SyncedAt   *time.Time `json:"synced_at" doc:"When the account was last read."`
	SpendTotal
	Campaigns []campaignSpend `json:"campaigns" nullable:"false"`
}

type campaignSpend struct {
	ID   string  `json:"id"`
	Name *string `json:"name"`
	SpendTotal
	Days []daySpend `json:"days" nullable:"false"`
}

type daySpend struct {
	Day         string `json:"day" example:"2026-10-01"`
	Spend       string `json:"spend" example:"143.27"`
	Impressions int64  `json:"impressions"`
	Clicks      int64  `json:"clicks"`
}

func (a *api) getSpend(ctx context.Context, in *getSpendInput) (*output[spend], error) {
	days, err := parseDays(in.Since, in.Until)
	if err != nil {
		return nil, err
	}
	found, err := a.Spending.Spend(ctx, identityOf(ctx).principal.OrgID, days)
	if err != nil {
		return nil, err
	}
	return answer(spendOf(found)), nil
}

func parseDays(since, until string) (inbox.DayRange, error) {
	var days inbox.DayRange
	for _, day := range []struct {
		name, value string
		into        *time.Time
	}{{"since", since, &days.Since}, {"until", until, &days.Until}} {
		parsed, err := time.Parse(inbox.DayLayout, day.value)
		if err != nil || parsed.Year() < 2000 {
			return days, inbox.Faultf(inbox.Invalid, "bad_day", "%s is not a day: write it as 2026-10-31", day.name)
		}
		*day.into = parsed
	}
	switch {
	case days.Until.Before(days.Since):
		return days, inbox.Faultf(inbox.Invalid, "bad_range", "until lies before since: the first day comes first")
	case days.Days() > longestSpend:
		return days, inbox.Faultf(inbox.Invalid, "range_too_long", "since and until are %d days: ask for at most %d at a time", days.Days(), longestSpend)
	}
	return days, nil
}

func spendOf(s inbox.Spend) spend {
	out := spend{
		Since: s.Range.Since.Format(inbox.DayLayout), Until: s.Range.Until.Format(inbox.DayLayout),
		Totals: make([]SpendTotal, 0, len(s.Totals)), Accounts: make([]accountSpend, 0, len(s.Accounts)),
	}
	for _, t := range s.Totals {
		out.Totals = append(out.Totals, spendTotalOf(t))
	}
	for _, account := range s.Accounts {
		out.Accounts = append(out.Accounts, accountSpendOf(account))
	}
	return out
}

func spendTotalOf(t inbox.SpendTotal) SpendTotal {
	return SpendTotal{Currency: t.Currency, Spend: string(t.Spend), Impressions: t.Impressions, Clicks: t.Clicks}
}

func accountSpendOf(a inbox.AccountSpend) accountSpend {
	out := accountSpend{
		ChannelID: idString(a.ChannelID), ExternalID: a.ExternalID, TimeZone: orNull(a.TimeZone), SyncedAt: timeOrNull(a.SyncedAt),
		SpendTotal: spendTotalOf(a.SpendTotal), Campaigns: make([]campaignSpend, 0, len(a.Campaigns)),
	}
	for _, c := range a.Campaigns {
		campaign := campaignSpend{ID: c.ID, Name: orNull(c.Name), SpendTotal: spendTotalOf(c.SpendTotal), Days: make([]daySpend, 0, len(c.Days))}
		for _, d := range c.Days {
			campaign.Days = append(campaign.Days, daySpend{
				Day: d.Day.Format(inbox.DayLayout), Spend: string(d.Spend), Impressions: d.Impressions, Clicks: d.Clicks,
			})
		}
		out.Campaigns = append(out.Campaigns, campaign)
	}
	return out
}
