package adminapi

import (
	"cmp"
	"context"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// slaOfOrg is the last hour of one org.
type slaOfOrg struct {
	met       *float64
	n         int64
	objective float64
}

func (c *collector) readSLA(ctx context.Context, now time.Time) error {
	if c.h.SLA == nil {
		return inbox.Faultf(inbox.Temporary, "no_sla", "this server has no figures of answers")
	}
	q := sla.Question{OrgID: c.orgID, By: sla.ByOrg, Span: sla.Span{From: now.Add(-time.Hour), To: now.Add(time.Minute)}, Now: now, CountsOnly: true}
	byOrg, err := c.h.SLA.SLAFigures(ctx, q)
	if err != nil {
		return err
	}
	slas := make(map[string]slaOfOrg, len(byOrg))
	for _, f := range byOrg {
		o := slaOfOrg{objective: f.Objective, n: f.N()}
		if met, known := f.Compliance(); known {
			o.met = &met
		}
		slas[f.Org] = o
	}
	q.By, q.CountsOnly = sla.ByUser, false
	byUser, err := c.h.SLA.SLAFigures(ctx, q)
	if err != nil {
		return err
	}
	misses, err := c.h.SLA.SLAMisses(ctx, sla.MissQuestion{Question: q, Limit: missesLookedAt})
	if err != nil {
		return err
	}
	lasts := lastMisses(misses)
	c.slas, c.users = slas, make([]admin.TopUser, 0, len(byUser))
	for _, f := range byUser {
		u := topUser(f)
		if last, known := lasts[u.ID]; known {
			u.LastMiss, u.Cause = timeWord(last.at), word(string(last.cause()))
		}
		c.users = append(c.users, u)
	}
	return nil
}

// missesLookedAt bounds how many of the newest misses say what most are due to.
const missesLookedAt = 500

// lastMiss is when a user's newest miss was due, and how many have which cause.
type lastMiss struct {
	at     time.Time
	causes map[sla.Cause]int
}

func (m lastMiss) cause() (most sla.Cause) {
	for _, c := range sla.Causes() {
		if m.causes[c] > m.causes[most] {
			most = c
		}
	}
	return most
}

func lastMisses(misses []sla.Case) map[string]lastMiss {
	lasts := map[string]lastMiss{}
	for _, c := range misses {
		id := userID(c.Org, c.User, c.Who)
		m, known := lasts[id]
		if !known {
			m.causes = map[sla.Cause]int{}
		}
		if c.DueAt.After(m.at) {
			m.at = c.DueAt
		}
		if c.Cause != "" {
			m.causes[c.Cause]++
		}
		lasts[id] = m
	}
	return lasts
}

// userID names who answers, or who should have: a user, the phone app, nobody.
func userID(org, user string, who sla.Who) string { return org + "/" + cmp.Or(user, string(who)) }

func topUser(f sla.Figures) admin.TopUser {
	u := admin.TopUser{
		ID: userID(f.Org, f.User, f.Who), Org: f.Org, Name: cmp.Or(f.User, string(f.Who)), N: f.N(), Objective: f.Objective,
		TargetMS: f.Target.Milliseconds(), Misses: f.Missed, Pending: f.Pending, AtRisk: f.Risky, Overdue: f.Overdue,
	}
	if met, known := f.Compliance(); known {
		u.Met = &met
		if budget := 1 - f.Objective; budget > 0 {
			burnt := (1 - met) / budget
			u.Burnt = &burnt
		}
	}
	if len(f.Responses) > 0 {
		p50, p95, worst := float64(f.P50.Milliseconds()), float64(f.P95.Milliseconds()), f.Worst.Milliseconds()
		u.P50MS, u.P95MS, u.WorstMS = &p50, &p95, &worst
	}
	return u
}
