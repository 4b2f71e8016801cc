package adminapi

import (
	"context"
	"slices"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// showOrg puts together everything that belongs to one org.
func (h *handler) showOrg(ctx context.Context, c *call) (any, error) {
	org, err := h.org(ctx, c.caller, c.path("id"))
	if err != nil {
		return nil, err
	}
	s, err := h.Control.LoadControl(ctx)
	if err != nil {
		return nil, err
	}
	detail := admin.OrgDetail{Org: wireOrg(org), Limits: h.limitsOf(s, org)}
	h.addUse(ctx, org, detail.Limits)
	h.markOrg(&detail.Org, org.ID)
	holds := slices.DeleteFunc(h.visibleHolds(c.caller, s), func(x control.Hold) bool { return x.OrgID != 0 && x.OrgID != org.ID })
	if detail.HoldList, err = h.wireHolds(ctx, holds); err != nil {
		return nil, err
	}
	if err := h.people(ctx, org, &detail); err != nil {
		return nil, err
	}
	looked, stale := h.status.snapshot(ctx, org.ID)
	if detail.Queues = looked.Queues; looked.Queues != nil {
		addLoad(&detail.Org, loadOf(looked.Queues))
	}
	answer := one(h, "org", detail)
	answer.StaleMS = stale.Milliseconds()
	return answer, nil
}

func (h *handler) people(ctx context.Context, org inbox.Org, into *admin.OrgDetail) error {
	channels, err := h.Channels.Channels(ctx, org.ID)
	if err != nil {
		return err
	}
	users, err := h.Users.Users(ctx, org.ID)
	if err != nil {
		return err
	}
	into.Channels, into.Users = make([]admin.Channel, 0, len(channels)), make([]admin.User, 0, len(users))
	for _, ch := range channels {
		into.Channels = append(into.Channels, wireChannel(ch, org.Name))
	}
	for _, u := range users {
		into.Users = append(into.Users, wireUser(u, org.Name))
	}
	return nil
}

// setOrg changes settings. Clocks that run already keep the target they began
// with.
func (h *handler) setOrg(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.OrgSet](c)
	if err != nil {
		return nil, err
	}
	if r.TimeZone == nil && r.SLATargetMS == nil && r.SLAObjective == nil {
		return nil, inbox.Faultf(inbox.Invalid, "nothing_to_set", "say what to set: time_zone, sla_target_ms or sla_objective")
	}
	before, err := h.ownOrg(ctx, c.caller, r.Name)
	if err != nil {
		return nil, err
	}
	after := before
	if r.DryRun {
		err = changeOrg(&after, r)
	} else {
		before, after, err = h.Orgs.UpdateOrg(ctx, before.ID, func(o *inbox.Org) error { return changeOrg(o, r) })
	}
	if err != nil {
		return nil, err
	}
	result := admin.OrgResult{Org: wireOrg(after), Before: wireOrg(before), DryRun: r.DryRun}
	h.markOrg(&result.Org, after.ID)
	h.markOrg(&result.Before, before.ID)
	return one(h, "org", result), nil
}

// changeOrg puts what is asked for into an org and checks the whole.
func changeOrg(o *inbox.Org, r admin.OrgSet) error {
	if r.TimeZone != nil {
		o.TimeZone = *r.TimeZone
	}
	if r.SLATargetMS != nil {
		o.SLATarget = span(*r.SLATargetMS)
	}
	if r.SLAObjective != nil {
		o.Objective = *r.SLAObjective
	}
	return inbox.CheckOrg(*o)
}
