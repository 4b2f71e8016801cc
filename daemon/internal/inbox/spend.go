package inbox

import "time"

// DayLayout is how a calendar day is written.
const DayLayout = time.DateOnly

// DayRange is a range of calendar days, both inclusive, each at midnight UTC
// whatever time zone the day is of.
type DayRange struct{ Since, Until time.Time }

// DayOf returns the calendar day that t falls on in a time zone.
func DayOf(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// LastDays returns the n days that end with the given one.
func LastDays(until time.Time, n int) DayRange {
	return DayRange{until.AddDate(0, 0, 1-n), until}
}

// Days returns how many days the range has.
func (r DayRange) Days() int { return int(r.Until.Sub(r.Since)/(24*time.Hour)) + 1 }

// Contains reports whether a day is in the range.
func (r DayRange) Contains(day time.Time) bool { return !day.Before(r.Since) && !day.After(r.Until) }

// Halves cuts a range of at least two days in two.
func (r DayRange) Halves() [2]DayRange {
	middle := r.Since.AddDate(0, 0, r.Days()/2)
	return [2]DayRange{{r.Since, middle.AddDate(0, 0, -1)}, {middle, r.Until}}
}

// SpendAccount is what a sync must know of an ad account, read at one moment.
type SpendAccount struct {
	Channel      Channel
	Token        string // in clear; never logged
	TokenVersion int64
	Zone         string    // the account's time zone; empty: not known
	OrgZone      string    // what counts then
	LookedAt     time.Time // when the provider was last asked for the zone
	QuietUntil   time.Time // the quota is nearly used up until then
	Run          ReportRun
}

// Location returns the zone whose days the account's spend is counted by.
func (a SpendAccount) Location() *time.Location {
	for _, name := range []string{a.Zone, a.OrgZone} {
		if zone, err := time.LoadLocation(name); err == nil && name != "" {
			return zone
		}
	}
	return time.UTC
}

// ReportRun is a report the provider prepares in the background. The zero run
// is none.
type ReportRun struct {
	ID        string
	Range     DayRange
	StartedAt time.Time
}

// ReportState says how far a report is. Only Done reports have rows.
type ReportState struct {
	Done    bool
	Percent int
}

// CampaignDay is what one campaign spent on one day.
type CampaignDay struct {
	CampaignID, Campaign string
	Day                  time.Time
	Currency             string
	Spend                Amount
	Impressions, Clicks  int64
}

// RefusedRow is a row of the provider's that cannot be trusted. An empty
// campaign or a zero day is not known.
type RefusedRow struct {
	CampaignID string
	Day        time.Time
	Reason     string
}

// SpendReport is everything the provider said about a range: what is not in it
// was not spent. Each (campaign, day) is in Rows at most once.
type SpendReport struct {
	Range   DayRange
	Rows    []CampaignDay
	Refused []RefusedRow
	Quiet   time.Duration // how long to leave the account alone; 0: nothing to spare
}

// SpendApplied counts what a report changed.
type SpendApplied struct{ Written, Zeroed, Refused int }

// Spend is what an org spent in a range, by account, campaign and day, exact to
// the last digit.
type Spend struct {
	Range    DayRange
	Accounts []AccountSpend
	Totals   []SpendTotal // one per currency
}

// AccountSpend is the part of one ad account in one currency.
type AccountSpend struct {
	ChannelID  int64
	ExternalID string
	TimeZone   string    // its days are counted by; empty: not known yet
	SyncedAt   time.Time // zero: never
	SpendTotal
	Campaigns []CampaignSpend
}

// CampaignSpend is the part of one campaign.
type CampaignSpend struct {
	ID, Name string
	SpendTotal
	Days []DaySpend
}

// DaySpend is one day of a campaign.
type DaySpend struct {
	Day                 time.Time
	Spend               Amount
	Impressions, Clicks int64
}

// SpendTotal is a sum.
type SpendTotal struct {
	Currency            string
	Spend               Amount
	Impressions, Clicks int64
}
