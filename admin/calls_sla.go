package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SLAWindow chooses questions by when customers asked them: the last so long, or
// one day (2026-11-20) of the org's own zone, or from Since to Until.
type SLAWindow struct {
	Window       time.Duration
	Day          string
	Since, Until *time.Time
}

func (w SLAWindow) add(query url.Values) {
	if w.Window > 0 {
		query.Set("window_ms", strconv.FormatInt(w.Window.Milliseconds(), 10))
	}
	if w.Day != "" {
		query.Set("day", w.Day)
	}
	for name, at := range map[string]*time.Time{"since": w.Since, "until": w.Until} {
		if at != nil {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
}

// SLAFilter narrows figures and misses. Empty: all.
type SLAFilter struct {
	SLAWindow

	Org, Cause string
	User       []string
	Channel    string // id
}

func (f SLAFilter) values() url.Values {
	query := url.Values{}
	f.add(query)
	for name, value := range map[string]string{"org": f.Org, "cause": f.Cause, "user": strings.Join(f.User, ","), "channel": f.Channel} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// SLAReport returns figures split by org, user or channel, worst first.
func (c *Client) SLAReport(ctx context.Context, by string, f SLAFilter) (List[SLAFigures], error) {
	query := f.values()
	query.Set("by", by)
	return call[List[SLAFigures]](ctx, c, http.MethodGet, SLAReportPath, query, nil)
}

// SLAMisses lists misses, newest first.
func (c *Client) SLAMisses(ctx context.Context, f SLAFilter, p Page) (List[SLACase], error) {
	query := f.values()
	p.add(query)
	return call[List[SLACase]](ctx, c, http.MethodGet, SLAMissesPath, query, nil)
}

// SLAAtRisk lists unanswered questions that are due within a minute, most urgent
// first; with overdue, also those that are late.
func (c *Client) SLAAtRisk(ctx context.Context, org string, overdue bool) (List[SLACase], error) {
	query := url.Values{}
	if org != "" {
		query.Set("org", org)
	}
	if overdue {
		query.Set("overdue", "true")
	}
	return call[List[SLACase]](ctx, c, http.MethodGet, SLAAtRiskPath, query, nil)
}

// SLAPolicies lists the policies in force; with history, all there ever were.
func (c *Client) SLAPolicies(ctx context.Context, org string, history bool) (List[SLAPolicy], error) {
	query := url.Values{}
	if org != "" {
		query.Set("org", org)
	}
	if history {
		query.Set("history", "true")
	}
	return call[List[SLAPolicy]](ctx, c, http.MethodGet, SLAPolicyPath, query, nil)
}

// SetSLAPolicy changes the policy of one org.
func (c *Client) SetSLAPolicy(ctx context.Context, p SLAPolicySet) (One[SLAPolicyResult], error) {
	return call[One[SLAPolicyResult]](ctx, c, http.MethodPost, SLAPolicyPath, nil, p)
}
