package measure

import (
	"context"
	"fmt"

	"github.com/bandeja/inboxd/daemon/bench/internal/peer"
	"github.com/bandeja/inboxd/daemon/bench/internal/report"
)

const (
	fewHistory, manyHistory = "little history", "much history"
	fewOrgs, manyOrgs       = "few orgs", "many orgs"
)

// Growth measures what a job costs with little and much history, and with few
// and many orgs. Processor time is compared, which the machine's other work
// hardly changes.
func Growth(ctx context.Context, b *Bench) ([]*report.Table, error) {
	few, many := b.Plan.History[0], b.Plan.History[1]
	t := costsTable()
	t.Name, t.Title = "growth", "What a job costs when everything grows"
	t.Intro = fmt.Sprintf("%d jobs each by the postgres lane: with %d and %d rows of history (20 orgs), and with jobs of %d and %d orgs (no history).",
		b.Plan.Jobs, few, many, b.Plan.Orgs[0], b.Plan.Orgs[1])
	cases := []struct {
		name string
		peer func() *peer.Inboxd
	}{
		{fewHistory, func() *peer.Inboxd { return &peer.Inboxd{History: few} }},
		{manyHistory, func() *peer.Inboxd { return &peer.Inboxd{History: many} }},
		{fewOrgs, func() *peer.Inboxd { return &peer.Inboxd{Orgs: b.Plan.Orgs[0]} }},
		{manyOrgs, func() *peer.Inboxd { return &peer.Inboxd{Orgs: b.Plan.Orgs[1]} }},
	}
	for range b.Plan.Rounds {
		for _, c := range cases {
			s := session{b: b, peer: c.peer(), name: c.name, jobs: &report.Table{}, costs: t}
			if err := limited(ctx, longestRun, s.run); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return []*report.Table{t}, nil
}
