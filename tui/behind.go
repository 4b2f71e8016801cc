package tui

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// Explainer answers what is behind a row. *admin.Client is one.
type Explainer interface {
	SLAMisses(ctx context.Context, f admin.SLAFilter, p admin.Page) (admin.List[admin.SLACase], error)
	SLAAtRisk(ctx context.Context, org string, overdue bool) (admin.List[admin.SLACase], error)
	LimitChanges(ctx context.Context, org string, p admin.Page) (admin.List[admin.LimitChange], error)
	Latency(ctx context.Context, q admin.LatencyQuery) (admin.List[admin.LatencyItem], error)
}

const (
	// slaWindow is the hour that the view of the SLA is about.
	slaWindow = time.Hour
	// mostMisses is how many misses are asked for.
	mostMisses = 200
	// mostChanges is how many changes of limits are asked for.
	mostChanges = 100
)

// explainer is who knows what is behind a row; nil: nobody.
func (m model) explainer() Explainer {
	if m.options.Explainer != nil {
		return m.options.Explainer
	}
	e, _ := m.options.Source.(Explainer)
	return e
}

// openRow goes into the row under the cursor: what it stands for is shown where
// there is more to it than its jobs.
func (m model) openRow() (tea.Model, tea.Cmd) {
	id, e := m.view().Cursor(), m.explainer()
	switch name := m.view().Name(); {
	case id == "":
		return m.say("there is nothing to open here"), nil
	case name == "Workers":
		return m.jobsOfProcess(id)
	case e != nil && name == "SLA":
		return m.openMisses(e, id)
	case e != nil && name == "Limits":
		return m.openLimit(e, id)
	case e != nil && name == "Latency":
		return m.openSpread(e)
	}
	return m.jobsBehind()
}

// jobsOfProcess shows what a process runs now.
func (m model) jobsOfProcess(id string) (tea.Model, tea.Cmd) {
	if w, ok := m.worker(id); ok && w.Slots == 0 && w.Mode == "api" {
		return m.say("process " + brief(id) + " is an api: it runs no jobs"), nil
	}
	return m.selectRunning(id)
}

// openMisses opens who waits for an agent now, and what they missed and why.
func (m model) openMisses(e Explainer, id string) (tea.Model, tea.Cmd) {
	users := m.shown.answer.Item.Users
	at := slices.IndexFunc(users, func(u admin.TopUser) bool { return u.ID == id })
	if at < 0 {
		return m.jobsBehind()
	}
	u := users[at]
	filter := admin.SLAFilter{SLAWindow: admin.SLAWindow{Window: slaWindow}, Org: u.Org, User: []string{u.Name}}
	nobody := slices.Contains([]string{"unassigned", "phone_app"}, u.Name) // no agent's, but of the org
	if nobody {
		filter.User = nil
	}
	others := func(c admin.SLACase) bool { return c.Who != u.Name && (nobody || c.User == nil || *c.User != u.Name) }
	return m.tell("misses of "+u.Name+"@"+u.Org, "", func(ctx context.Context) (drawing, error) {
		missed, err := e.SLAMisses(ctx, filter, admin.Page{Limit: mostMisses})
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		open, err := e.SLAAtRisk(ctx, u.Org, true)
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		told := screen.SLAStory{
			User: u, At: missed.AsOf, More: missed.Next != nil,
			Open: slices.DeleteFunc(clean(open.Items), others), Missed: slices.DeleteFunc(clean(missed.Items), others),
		}
		return func(th theme.Theme, width int) []string { return told.Lines(th, width) }, nil
	})
}

// openLimit opens what a limit holds back, what another value would do, and who
// has changed it.
func (m model) openLimit(e Explainer, id string) (tea.Model, tea.Cmd) {
	limits := m.shown.answer.Item.Limits
	at := slices.IndexFunc(limits, func(l admin.TopLimit) bool { return l.ID == id })
	if at < 0 {
		return m.jobsBehind()
	}
	l := limits[at]
	return m.tell("limit "+l.Name+" of "+l.Org, "", func(ctx context.Context) (drawing, error) {
		answer, err := e.LimitChanges(ctx, l.Org, admin.Page{Limit: mostChanges})
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		told := screen.LimitStory{Limit: l, At: answer.AsOf, Changes: slices.DeleteFunc(clean(answer.Items), func(c admin.LimitChange) bool { return c.Name != l.Name })}
		return func(th theme.Theme, width int) []string { return told.Lines(th, width) }, nil
	})
}

// spreader is a view whose rows have times that spread.
type spreader interface {
	Spread() (name, window string, byOrg, ok bool)
}

// openSpread opens how the times of a job type are spread and which orgs are
// slow; of an org, which types.
func (m model) openSpread(e Explainer) (tea.Model, tea.Cmd) {
	v, ok := m.view().(spreader)
	if !ok {
		return m.jobsBehind()
	}
	name, window, byOrg, ok := v.Spread()
	if !ok {
		return m.jobsBehind()
	}
	all := admin.LatencyQuery{By: "type", Type: name, Window: window}
	parts := admin.LatencyQuery{By: "org", Type: name, Window: window}
	if byOrg {
		all = admin.LatencyQuery{By: "org", Org: name, Window: window}
		parts = admin.LatencyQuery{By: "type", Org: name, Window: window}
	}
	return m.tell("times of "+brief(name), "", func(ctx context.Context) (drawing, error) {
		whole, err := e.Latency(ctx, all)
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		split, err := e.Latency(ctx, parts)
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		told := screen.SpreadStory{Name: name, Window: window, By: parts.By, Whole: clean(whole.Items), Parts: clean(split.Items)}
		return func(th theme.Theme, width int) []string { return told.Lines(th, width) }, nil
	})
}
