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
	q := sla.Question{OrgID: c.orgID, By: sla.ByOrg, Span: sla.Span{From: now.Add(-time.Hour), To: now.Add(time.Minute)}, Now: now}
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
	q.By = sla.ByUser
	byUser, err := c.h.SLA.SLAFigures(ctx, q)
	if err != nil {
		return err
	}
	c.slas, c.users = slas, make([]admin.TopUser, 0, len(byUser))
	for _, f := range byUser {
		c.users = append(c.users, topUser(f))
	}
	return nil
}

func topUser(f sla.Figures) admin.TopUser {
	u := admin.TopUser{
		ID: f.Org + "/" + cmp.Or(f.User, string(f.Who)), Org: f.Org, Name: cmp.Or(f.User, string(f.Who)), N: f.N(), Objective: f.Objective,
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
