package metasim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// SpendRow is what a campaign spent on one day.
type SpendRow struct {
	CampaignID  string `json:"campaign_id"`
	Campaign    string `json:"campaign_name"`
	Day         string `json:"day"` // YYYY-MM-DD
	Spend       string `json:"spend"`
	Currency    string `json:"currency"`
	Impressions int    `json:"impressions"`
	Clicks      int    `json:"clicks"`
}

// Book is what an ad account has spent and how it tells. The zero Book has
// spent nothing.
type Book struct {
	TimeZone string     `json:"time_zone"`
	Rows     []SpendRow `json:"rows"`

	PageRows     int  `json:"page_rows"`     // rows per page; 0: as many as asked for
	EmptyPage    bool `json:"empty_page"`    // an empty page with a next one follows the first
	RepeatCursor bool `json:"repeat_cursor"` // the cursor of the second page comes again and again
	MostDays     int  `json:"most_days"`     // a longer range is too much data; 0: none is

	UsagePercent  int `json:"usage_percent"`  // in the usage headers
	RegainMinutes int `json:"regain_minutes"` // estimated_time_to_regain_access

	ReportPolls int  `json:"report_polls"` // a report runs for so many looks
	ReportFails bool `json:"report_fails"` // and then fails at 100 %
}

// reportRun is a report.
type reportRun struct {
	id, account  string
	since, until string
	polls        int
}

// books are the ad accounts' books. Safe for concurrent use.
type books struct {
	mu    sync.Mutex
	of    map[string]Book
	runs  map[string]*reportRun
	asked map[string][]string // account -> the ranges asked for
}

func newBooks() *books {
	return &books{of: map[string]Book{}, runs: map[string]*reportRun{}, asked: map[string][]string{}}
}

// SetBook replaces the book of an ad account: what it says from now on.
func (s *Sim) SetBook(account string, b Book) error {
	l, ok := s.accounts.get(account)
	if !ok || l.Kind != AdAccount {
		return fmt.Errorf("account %q is no ad account", account)
	}
	if min(b.PageRows, b.MostDays, b.UsagePercent, b.RegainMinutes, b.ReportPolls) < 0 {
		return errors.New("the numbers of a book must not be negative")
	}
	b.Rows = slices.Clone(b.Rows)
	slices.SortFunc(b.Rows, func(x, y SpendRow) int {
		return cmp.Or(cmp.Compare(x.Day, y.Day), cmp.Compare(x.CampaignID, y.CampaignID))
	})
	s.books.mu.Lock()
	defer s.books.mu.Unlock()
	s.books.of[account] = b
	return nil
}

// Asked returns the ranges of insights that an account was asked for, pages
// once each, as "since..until", in order.
func (s *Sim) Asked(account string) []string {
	s.books.mu.Lock()
	defer s.books.mu.Unlock()
	return slices.Clone(s.books.asked[account])
}

func (b *books) get(account string) Book {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.of[account]
}

func (b *books) note(account, asked string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[account] = append(b.asked[account], asked)
}

// start opens a report and returns its id.
func (b *books) start(account, since, until string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	const firstRun = 640_000_000_000_001
	id := strconv.Itoa(firstRun + len(b.runs))
	b.runs[id] = &reportRun{id: id, account: account, since: since, until: until}
	return id
}

func (b *books) run(id string) *reportRun {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.runs[id]
}

// look counts a look at a report and returns how many there were before.
func (b *books) look(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs[id].polls++
	return b.runs[id].polls - 1
}

// polls tells how often a report was looked at.
func (b *books) polls(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.runs[id].polls
}
