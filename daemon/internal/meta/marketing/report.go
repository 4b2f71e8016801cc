package marketing

import (
	"errors"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Bounds of one report: beyond them the range must be halved.
const (
	MaxPages = 400
	MaxRows  = 100_000
)

// ErrCursor says that a cursor came again: following it would never end.
var ErrCursor = errors.New("the provider repeats a cursor")

// ErrTooMuch says that a range has more rows than one report takes.
var ErrTooMuch = errors.New("the range has too many rows for one report")

// Report gathers the pages of one range.
type Report struct {
	report inbox.SpendReport
	place  map[rowKey]int
	seen   map[string]bool
	pages  int
}

type rowKey struct {
	campaign string
	day      time.Time
}

// NewReport returns an empty report of a range.
func NewReport(r inbox.DayRange) *Report {
	return &Report{report: inbox.SpendReport{Range: r}, place: map[rowKey]int{}, seen: map[string]bool{}}
}

// Add takes a page. A row that comes twice, because the data moved under the
// cursor, counts once: the later one is newer.
func (g *Report) Add(p Page, quiet time.Duration) error {
	g.pages++
	g.report.Quiet = max(g.report.Quiet, quiet)
	g.report.Refused = append(g.report.Refused, p.Refused...)
	for _, row := range p.Rows {
		key := rowKey{row.CampaignID, row.Day}
		if at, again := g.place[key]; again {
			g.report.Rows[at] = row
			continue
		}
		g.place[key] = len(g.report.Rows)
		g.report.Rows = append(g.report.Rows, row)
	}
	switch {
	case p.After != "" && g.seen[p.After]:
		return ErrCursor
	case p.After != "" && g.pages >= MaxPages, len(g.report.Rows)+len(g.report.Refused) > MaxRows:
		return ErrTooMuch
	}
	g.seen[p.After] = true
	return nil
}

// Done returns what was gathered.
func (g *Report) Done() inbox.SpendReport { return g.report }
