// Package alert decides what is wrong now, for those who have no Prometheus: it
// reads the picture that live views draw and says which rules are broken, since
// when, and what to look at first. It owns the rules; it refuses to count, to
// keep who has acknowledged what, and to send anything.
package alert

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// Severities, worst first.
const (
	Critical = "critical"
	Warning  = "warning"
)

// Rule is one thing that may be wrong. Its Name is for people, is part of an
// alert's id, and never changes.
type Rule struct {
	Name    string
	Doc     string        // what it says, for the guide
	For     time.Duration // how long it must be so before it is an alert
	Runbook string        // path under docs/; empty: none

	find func(t admin.Top, m *memory) []finding
}

// OfProcesses reports whether a rule is about the installation's processes,
// which are no business of a single org.
func OfProcesses(rule string) bool {
	return slices.Contains([]string{"no worker", "worker silent", "versions differ"}, rule)
}

// finding is one place where a rule is broken.
type finding struct {
	scope    string
	org      string // empty: of the whole installation
	severity string
	text     string // the figure and its bound
	figure   figure // the same, for programs
	cause    string // the likely one; empty: not known
	command  string // to look at first
	runbook  string // empty: the rule's
}

// figure is a value and its bound, in a unit; without one there is none.
type figure struct {
	value, bound float64
	unit         string
}

func ms(value, bound int64) figure { return figure{float64(value), float64(bound), "ms"} }

// Evaluator remembers since when each rule is broken. It is not safe for
// concurrent use.
type Evaluator struct {
	rules  []Rule
	since  map[string]time.Time // by id
	memory memory
}

// memory is what rules that look at changes keep from one picture to the next.
type memory struct {
	now  time.Time
	dead map[string]growth // by queue
	open func(id string) (since time.Time, yes bool)
}

// growth is a count and when it last rose.
type growth struct {
	n    int64
	rose time.Time
}

// New returns an Evaluator of all Rules. Of what others know to be open it takes
// over since when, and has no more patience with it; nil: nobody knows more.
func New(open func(id string) (since time.Time, yes bool)) *Evaluator {
	if open == nil {
		open = func(string) (time.Time, bool) { return time.Time{}, false }
	}
	return &Evaluator{rules: Rules(), since: map[string]time.Time{}, memory: memory{dead: map[string]growth{}, open: open}}
}

// Evaluate returns what is wrong in a picture, worst and oldest first. Pictures
// are to come in order; one whose parts are old says nothing new about them.
func (e *Evaluator) Evaluate(t admin.Top) []admin.Alert {
	now := t.GeneratedAt
	e.memory.now = now
	alerts := []admin.Alert{}
	broken := map[string]bool{}
	for _, r := range e.rules {
		for _, f := range r.find(t, &e.memory) {
			id := idOf(r.Name, f.scope)
			broken[id] = true
			since, known := e.since[id]
			shared, open := e.memory.open(id)
			if open {
				since = shared
			} else if !known {
				since = now
			}
			e.since[id] = since
			if open || now.Sub(since) >= r.For {
				alerts = append(alerts, f.alert(id, r, since))
			}
		}
	}
	for id := range e.since {
		if !broken[id] {
			delete(e.since, id)
		}
	}
	Sort(alerts)
	return alerts
}

// Sort puts the worst and oldest first.
func Sort(alerts []admin.Alert) {
	slices.SortStableFunc(alerts, func(a, b admin.Alert) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) // "critical" < "warning"
	})
}

// idOf is a word that needs no quotes in a shell.
func idOf(rule, scope string) string {
	return strings.ToLower(strings.ReplaceAll(rule, " ", "_")) + "/" + strings.ReplaceAll(scope, " ", "/")
}

func (f finding) alert(id string, r Rule, since time.Time) admin.Alert {
	a := admin.Alert{
		ID: id, State: admin.AlertFiring, Severity: f.severity, Rule: r.Name, Scope: f.scope, Org: word(f.org), Text: f.text, Since: since,
		Cause: word(f.cause), Command: word(f.command), Runbook: word(cmp.Or(f.runbook, r.Runbook)),
	}
	if f.figure.unit != "" {
		a.Value, a.Threshold, a.Unit = &f.figure.value, &f.figure.bound, &f.figure.unit
	}
	return a
}

func word(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
