package metasim

import (
	"slices"
	"sync"
)

// ruleState is a rule and how often it matched.
type ruleState struct {
	Rule

	seen int
}

// rules is the ordered set of rules. Safe for concurrent use.
type rules struct {
	dice  *dice
	known fixtureSet

	mu     sync.Mutex
	list   []*ruleState
	lastID int64
}

func (rs *rules) add(r Rule) (Rule, error) {
	if err := r.check(rs.known); err != nil {
		return Rule{}, err
	}
	if r.Effect == FailLater {
		r.Kind = WhatsApp
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.lastID++
	r.ID, r.Used = rs.lastID, 0
	rs.list = append(rs.list, &ruleState{Rule: r})
	return r, nil
}

func (rs *rules) all() []Rule {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	out := []Rule{}
	for _, r := range rs.list {
		out = append(out, r.Rule)
	}
	return out
}

// remove deletes one rule, or all with id 0, and reports whether any was there.
func (rs *rules) remove(id int64) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	before := len(rs.list)
	rs.list = slices.DeleteFunc(rs.list, func(r *ruleState) bool { return id == 0 || r.ID == id })
	return len(rs.list) < before
}

// pick returns the rule that decides a send. Before the body is read only
// CloseEarly is considered, after it only the others.
func (rs *rules) pick(l *line, req request, early bool) (Rule, bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, r := range rs.list {
		if (r.Effect == CloseEarly) != early || !r.matches(l, req) || !r.due(rs.dice) {
			continue
		}
		r.Used++
		return r.Rule, true
	}
	return Rule{}, false
}

// due counts a match and reports whether the rule acts on it.
func (r *ruleState) due(d *dice) bool {
	r.seen++
	switch {
	case r.Next > 0:
		return r.seen <= r.Next
	case r.Every > 0:
		return r.seen%r.Every == 0
	case r.Share > 0:
		return d.chance(r.Share)
	}
	return true
}
