package adminapi

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (h *handler) addOrg(ctx context.Context, c *call) (any, error) {
	a, err := decode[admin.OrgAdd](c)
	if err != nil {
		return nil, err
	}
	if c.caller.orgID != 0 {
		return nil, inbox.Faultf(inbox.Forbidden, "bound", "%s is bound to one org and may not add others", c.caller.name)
	}
	org, err := newOrg(a)
	if err != nil {
		return nil, err
	}
	if org, err = h.Orgs.CreateOrg(ctx, org); err != nil {
		return nil, err
	}
	return one(h, "org", wireOrg(org)), nil
}

func newOrg(a admin.OrgAdd) (inbox.Org, error) {
	org := inbox.Org{
		Name: a.Name, TimeZone: a.TimeZone, SLATarget: span(a.SLATargetMS), Objective: a.SLAObjective,
	}.WithDefaults()
	return org, inbox.CheckOrg(org)
}

// span reads milliseconds from the wire. What no Duration can hold stays out of
// every bound, instead of wrapping round into one.
func span(ms int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(min(max(ms, -most), most)) * time.Millisecond
}

func wireOrg(o inbox.Org) admin.Org {
	return admin.Org{
		ID: strconv.FormatInt(o.ID, 10), Name: o.Name, TimeZone: o.TimeZone,
		SLATargetMS: o.SLATarget.Milliseconds(), SLAObjective: o.Objective, CreatedAt: o.CreatedAt,
	}
}

// within returns the id of the org to list (0: all) and the names of orgs by
// id.
func (h *handler) within(ctx context.Context, c *call) (orgID int64, names map[int64]string, err error) {
	if name := c.query.Get("org"); name != "" {
		org, err := h.org(ctx, c.caller, name)
		return org.ID, map[int64]string{org.ID: org.Name}, err
	}
	orgs, err := h.visibleOrgs(ctx, c.caller)
	names = make(map[int64]string, len(orgs))
	for _, o := range orgs {
		names[o.ID] = o.Name
	}
	return c.caller.orgID, names, err
}

// ownOrg finds the org that something is added to.
func (h *handler) ownOrg(ctx context.Context, who caller, name string) (inbox.Org, error) {
	if name == "" {
		return inbox.Org{}, inbox.Faultf(inbox.Invalid, "no_org", "name the org with --org")
	}
	return h.org(ctx, who, name)
}
