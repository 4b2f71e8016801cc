package adminapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// SLA answers how soon customers are answered. orgID 0 means all orgs.
type SLA interface {
	SLAFigures(ctx context.Context, q sla.Question) ([]sla.Figures, error)
	SLAMisses(ctx context.Context, q sla.MissQuestion) ([]sla.Case, error)
	SLAAtRisk(ctx context.Context, orgID int64, overdue bool, limit int) ([]sla.Case, error)
	SLAPolicies(ctx context.Context, orgID int64, history bool) ([]sla.Policy, error)
	SetSLAPolicy(ctx context.Context, orgID int64, change func(*sla.Policy) error) (before, after sla.Policy, err error)
}

const (
	slaWindow     = 24 * time.Hour // if none is asked for
	slaLongest    = 93 * 24 * time.Hour
	slaCases      = 50 // on a page
	slaMostCases  = 500
	slaMostAtRisk = 1000
)

func (h *handler) slaRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	window := []string{"org", "user", "channel", "window_ms", "day", "since", "until"}
	return []route{
		{
			get, admin.SLAReportPath, admin.Viewer, "Compliance and response times, worst first", append([]string{"by"}, window...), nil,
			admin.List[admin.SLAFigures]{},
			h.slaReport,
		},
		{
			get, admin.SLAMissesPath, admin.Viewer, "Missed questions and what they were due to, newest first",
			append([]string{"cause", "cursor", "limit"}, window...), nil,
			admin.List[admin.SLACase]{},
			h.slaMisses,
		},
		{
			get, admin.SLAAtRiskPath, admin.Viewer, "Unanswered questions that are due soon",
			[]string{"org", "overdue"},
			nil,
			admin.List[admin.SLACase]{},
			h.slaAtRisk,
		},
		{get, admin.SLAPolicyPath, admin.Viewer, "What orgs promise", []string{"org", "history"}, nil, admin.List[admin.SLAPolicy]{}, h.slaPolicies},
		{post, admin.SLAPolicyPath, admin.Admin, "Change what an org promises", nil, admin.SLAPolicySet{}, admin.One[admin.SLAPolicyResult]{}, h.setSLAPolicy},
	}
}

func (h *handler) slaReport(ctx context.Context, c *call) (any, error) {
	by := c.query.Get("by")
	if by == "" {
		by = string(sla.ByOrg)
	}
	if !slices.Contains(admin.SLASplits(), by) {
		return nil, unknownWord(inbox.Invalid, "split", by, admin.SLASplits())
	}
	q, err := h.slaQuestion(ctx, c)
	if err != nil {
		return nil, err
	}
	q.By = sla.By(by)
	found, err := h.SLA.SLAFigures(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := list(h, "sla_figures", make([]admin.SLAFigures, 0, len(found)))
	for _, f := range found {
		answer.Items = append(answer.Items, wireFigures(f))
	}
	return answer, nil
}

func (h *handler) slaMisses(ctx context.Context, c *call) (any, error) {
	q, err := h.slaQuestion(ctx, c)
	if err != nil {
		return nil, err
	}
	m := sla.MissQuestion{Question: q, Cause: sla.Cause(c.query.Get("cause"))}
	if m.Cause != "" && !slices.Contains(sla.Causes(), m.Cause) {
		return nil, unknownWord(inbox.Invalid, "cause", string(m.Cause), admin.SLACauses())
	}
	if m.Limit, err = slaLimit(c.query.Get("limit")); err != nil {
		return nil, err
	}
	if m.Before, err = parseSLACursor(c.query.Get("cursor")); err != nil {
		return nil, err
	}
	m.Limit++
	found, err := h.SLA.SLAMisses(ctx, m)
	if err != nil {
		return nil, err
	}
	answer := list(h, "sla_misses", []admin.SLACase(nil))
	if len(found) == m.Limit {
		found = found[:m.Limit-1]
		answer.Next = word(slaCursor(found[len(found)-1]))
	}
	answer.Items = wireCases(found)
	return answer, nil
}

func slaLimit(raw string) (int, error) {
	if raw == "" {
		return slaCases, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > slaMostCases {
		return 0, inbox.Faultf(inbox.Invalid, "bad_limit", "limit %q is not possible: use 1 to %d", raw, slaMostCases)
	}
	return n, nil
}

func (h *handler) slaAtRisk(ctx context.Context, c *call) (any, error) {
	org, err := h.slaOrg(ctx, c)
	if err != nil {
		return nil, err
	}
	found, err := h.SLA.SLAAtRisk(ctx, org, c.query.Get("overdue") == "true", slaMostAtRisk)
	if err != nil {
		return nil, err
	}
	return list(h, "sla_at_risk", wireCases(found)), nil
}

// slaOrg returns the id of the org asked for, of the caller's own, or 0: all.
func (h *handler) slaOrg(ctx context.Context, c *call) (int64, error) {
	if h.SLA == nil {
		return 0, inbox.Faultf(inbox.Temporary, "no_sla", "this server has no SLA figures")
	}
	name := c.query.Get("org")
	if name == "" {
		return c.caller.orgID, nil
	}
	org, err := h.org(ctx, c.caller, name)
	return org.ID, err
}

// slaQuestion reads what figures and misses are asked about.
func (h *handler) slaQuestion(ctx context.Context, c *call) (q sla.Question, err error) {
	if q.OrgID, err = h.slaOrg(ctx, c); err != nil {
		return q, err
	}
	if names := admin.SplitList(c.query["user"]); len(names) > 0 {
		var orgs []int64
		if q.OrgID != 0 {
			orgs = []int64{q.OrgID}
		}
		where := whereOf(c.caller, admin.SplitList(c.query["org"]))
		if q.UserIDs, err = h.userIDs(ctx, orgs, names, where); err != nil {
			return q, err
		}
	}
	if raw := c.query.Get("channel"); raw != "" {
		if q.ChannelID, err = parseIDOf("channel", raw); err != nil {
			return q, err
		}
	}
	q.Now = h.Now()
	return q, readSLAWindow(&q, c)
}

// readSLAWindow reads the window: a day, a span, or the last so long.
func readSLAWindow(q *sla.Question, c *call) error {
	day, since, until, window := c.query.Get("day"), c.query.Get("since"), c.query.Get("until"), c.query.Get("window_ms")
	q.Span = sla.Span{From: q.Now.Add(-slaWindow), To: q.Now.Add(time.Second)}
	switch {
	case day != "" && (since != "" || until != "" || window != ""), window != "" && (since != "" || until != ""):
		return inbox.Faultf(inbox.Invalid, "bad_window", "ask for a day, for a window, or for since and until: only one of them")
	case day != "":
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return inbox.Faultf(inbox.Invalid, "bad_day", "%q is not a day: write it as 2026-10-31", day)
		}
		q.Day = day
	case window != "":
		ms, err := strconv.ParseInt(window, 10, 64)
		if err != nil || ms < 1000 || span(ms) > slaLongest {
			return inbox.Faultf(inbox.Invalid, "bad_window", "a window of %s ms is not possible: use 1s to 93d", window)
		}
		q.Span.From = q.Now.Add(-span(ms))
	}
	return readSLASpan(q, since, until)
}

func readSLASpan(q *sla.Question, since, until string) (err error) {
	for _, bound := range []struct {
		name, raw string
		into      *time.Time
	}{{"since", since, &q.Span.From}, {"until", until, &q.Span.To}} {
		if bound.raw == "" {
			continue
		}
		if *bound.into, err = time.Parse(time.RFC3339, bound.raw); err != nil {
			return inbox.Faultf(inbox.Invalid, "bad_time", "%s %q is not a time: write it as 2026-10-31T15:04:05Z", bound.name, bound.raw)
		}
	}
	if !q.Span.From.Before(q.Span.To) {
		return inbox.Faultf(inbox.Invalid, "bad_window", "until lies before since: the earlier comes first")
	}
	if q.Span.To.Sub(q.Span.From) > slaLongest+time.Minute {
		return inbox.Faultf(inbox.Invalid, "bad_window", "since and until are too far apart: ask for at most 93 days at a time")
	}
	return nil
}
