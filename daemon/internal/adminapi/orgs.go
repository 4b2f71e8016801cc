package adminapi

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Defaults of an org: an answer within 5 minutes, 80 % of the time.
const (
	defaultTarget    = 5 * time.Minute
	defaultObjective = 0.8
	maxTarget        = 7 * 24 * time.Hour
)

func (h *handler) listOrgs(ctx context.Context, c *call) (any, error) {
	orgs, err := h.visibleOrgs(ctx, c.caller)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(orgs, func(a, b inbox.Org) int { return strings.Compare(a.Name, b.Name) })
	answer := list(h, "orgs", make([]admin.Org, 0, len(orgs)))
	for _, o := range orgs {
		answer.Items = append(answer.Items, wireOrg(o))
	}
	return answer, nil
}

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
		Name: a.Name, TimeZone: a.TimeZone,
		SLATarget: time.Duration(a.SLATargetMS) * time.Millisecond, Objective: a.SLAObjective,
	}
	if org.TimeZone == "" {
		org.TimeZone = "UTC"
	}
	if a.SLATargetMS == 0 {
		org.SLATarget = defaultTarget
	}
	if a.SLAObjective == 0 {
		org.Objective = defaultObjective
	}
	if err := inbox.CheckName("org", org.Name); err != nil {
		return org, err
	}
	if _, err := time.LoadLocation(org.TimeZone); err != nil || org.TimeZone == "Local" {
		return org, inbox.Faultf(inbox.Invalid, "bad_time_zone", "%q is not a time zone: use an IANA name such as Europe/Madrid", org.TimeZone)
	}
	if org.SLATarget < time.Second || org.SLATarget > maxTarget {
		return org, inbox.Faultf(inbox.Invalid, "bad_sla_target", "an SLA target of %s is not possible: use 1s to %s", org.SLATarget, maxTarget)
	}
	if org.Objective < 0 || org.Objective > 1 {
		return org, inbox.Faultf(inbox.Invalid, "bad_sla_objective", "an SLA objective of %v is not possible: use a share above 0 and up to 1", org.Objective)
	}
	return org, nil
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
