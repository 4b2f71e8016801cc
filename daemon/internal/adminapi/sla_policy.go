package adminapi

import (
	"context"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

func (h *handler) slaPolicies(ctx context.Context, c *call) (any, error) {
	org, err := h.slaOrg(ctx, c)
	if err != nil {
		return nil, err
	}
	found, err := h.SLA.SLAPolicies(ctx, org, c.query.Get("history") == "true")
	if err != nil {
		return nil, err
	}
	answer := list(h, "sla_policies", make([]admin.SLAPolicy, 0, len(found)))
	for _, p := range found {
		answer.Items = append(answer.Items, wirePolicy(p))
	}
	return answer, nil
}

func (h *handler) setSLAPolicy(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.SLAPolicySet](c)
	if err != nil {
		return nil, err
	}
	if h.SLA == nil {
		return nil, inbox.Faultf(inbox.Temporary, "no_sla", "this server has no SLA figures")
	}
	org, err := h.ownOrg(ctx, c.caller, r.Org)
	if err != nil {
		return nil, err
	}
	found, err := h.SLA.SLAPolicies(ctx, org.ID, false)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, inbox.Faultf(inbox.NotFound, "policy_not_found", "%s has no SLA policy", org.Name)
	}
	change := func(p *sla.Policy) error {
		p.Owner, p.Reason = c.caller.name, r.Reason
		return changePolicy(p, r)
	}
	before, after := found[0], found[0]
	if r.DryRun {
		err = change(&after)
	} else {
		before, after, err = h.SLA.SetSLAPolicy(ctx, org.ID, change)
	}
	if err != nil {
		return nil, err
	}
	result := admin.SLAPolicyResult{DryRun: r.DryRun, Org: org.Name, Before: wirePolicy(before), Policy: wirePolicy(after)}
	return one(h, "sla_policy", result), nil
}

// changePolicy puts what is asked for into a policy and checks the whole.
func changePolicy(p *sla.Policy, r admin.SLAPolicySet) error {
	if r.TargetMS != nil {
		p.Target = span(*r.TargetMS)
	}
	if r.Objective != nil {
		p.Objective = *r.Objective
	}
	if r.TimeZone != nil {
		p.Hours.TimeZone = *r.TimeZone
	}
	switch {
	case r.AlwaysOpen && r.BusinessHours != nil:
		return inbox.Faultf(inbox.Invalid, "bad_business_hours", "business_hours and always_open contradict each other: give one of them")
	case r.AlwaysOpen:
		p.Hours.Days = nil
	case r.BusinessHours != nil:
		p.Hours.Days = hoursOf(r.BusinessHours)
	}
	return p.Check()
}
