package adminapi

import (
	"context"
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (h *handler) alertRoutes() []route {
	const get, post = "GET", "POST"
	return []route{
		{get, admin.AlertsPath, admin.Viewer, "What is wrong, worst first, then what was until lately", []string{"state", "org"}, nil, admin.List[admin.Alert]{}, h.listAlerts},
		{post, admin.AlertAckPath, admin.Operator, "Say that somebody is at an alert, or take that back", nil, admin.AlertAck{}, admin.One[admin.Alert]{}, h.ackAlert},
		{post, admin.AlertMutePath, admin.Operator, "Keep an alert quiet for a time, or take that back", nil, admin.AlertMute{}, admin.One[admin.Alert]{}, h.muteAlert},
		{post, admin.AlertTestPath, admin.Operator, "Send a test message to the webhook of alerts", nil, admin.ReasonOnly{}, admin.One[admin.AlertTest]{}, h.testAlerts},
	}
}

func (h *handler) listAlerts(ctx context.Context, c *call) (any, error) {
	states := admin.SplitList(c.query["state"])
	for _, s := range states {
		if !slices.Contains(admin.AlertStates(), s) {
			return nil, unknownWord(inbox.Invalid, "state", s, admin.AlertStates())
		}
	}
	org := c.query.Get("org")
	if org != "" {
		if _, err := h.org(ctx, c.caller, org); err != nil {
			return nil, err
		}
	}
	t := h.tops.of(c.caller.orgID).picture(context.WithoutCancel(ctx))
	all := h.book.view(c.caller.orgID, t.Alerts, h.Now()) // anew: it may have been marked since
	all = append(all, h.book.resolved(c.caller.orgID, all, h.Now())...)
	answer := list(h, "alerts", slices.DeleteFunc(all, func(a admin.Alert) bool {
		return (len(states) > 0 && !slices.Contains(states, a.State)) || (org != "" && text(a.Org) != org)
	}))
	answer.StaleMS = max(h.Now().Sub(t.GeneratedAt).Milliseconds(), 0)
	return answer, nil
}

func (h *handler) ackAlert(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.AlertAck](c)
	if err != nil {
		return nil, err
	}
	return h.markAlert(ctx, c, r.ID, r.Undo, func(by string) (inbox.Alert, error) {
		return h.Alerts.AckAlert(ctx, c.caller.orgID, r.ID, by, r.Reason)
	})
}

func (h *handler) muteAlert(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.AlertMute](c)
	if err != nil {
		return nil, err
	}
	lasts, err := readLasts(r.LastsMS)
	switch {
	case err != nil:
		return nil, err
	case lasts == 0 && !r.Undo:
		return nil, inbox.Faultf(inbox.Invalid, "no_lasts", "say for how long with lasts_ms: an alert is not muted for ever")
	case lasts != 0 && r.Undo:
		return nil, inbox.Faultf(inbox.Invalid, "bad_lasts", "lasts_ms does not go with undo")
	}
	return h.markAlert(ctx, c, r.ID, r.Undo, func(by string) (inbox.Alert, error) {
		return h.Alerts.MuteAlert(ctx, c.caller.orgID, r.ID, by, r.Reason, lasts)
	})
}

// markAlert shares what this process sees first: one that has just begun may be
// marked too.
func (h *handler) markAlert(ctx context.Context, c *call, id string, undo bool, mark func(by string) (inbox.Alert, error)) (any, error) {
	switch {
	case h.Alerts == nil:
		return nil, inbox.Faultf(inbox.Unprocessable, "not_available", "this server keeps no alerts")
	case id == "":
		return nil, inbox.Faultf(inbox.Invalid, "no_alert", "name the alert by its id: `inboxctl alerts list` shows it")
	}
	if slices.ContainsFunc(h.alertsNow(ctx, c.caller.orgID), func(a admin.Alert) bool { return a.ID == id && a.Org == nil }) {
		if err := unbound(c.caller, "mark an alert that names no org"); err != nil {
			return nil, err
		}
	}
	if a, known := h.book.of(0, id); !known || !a.Open() {
		h.book.sync(context.WithoutCancel(ctx))
	}
	by := c.caller.name
	if undo {
		by = ""
	}
	a, err := mark(by)
	if err != nil {
		return nil, err
	}
	h.book.put(a)
	return one(h, "alert", wireAlert(a, h.Now())), nil
}

func (h *handler) testAlerts(ctx context.Context, c *call) (any, error) {
	if _, err := decode[admin.ReasonOnly](c); err != nil {
		return nil, err
	}
	if err := unbound(c.caller, "send a test message"); err != nil {
		return nil, err
	}
	if h.Announcer == nil || h.Alerts == nil {
		return nil, inbox.Faultf(inbox.Unprocessable, "no_webhook", "this server has no webhook for alerts: set INBOXD_ALERT_WEBHOOK_URL and restart it")
	}
	if err := h.Alerts.RecordAlertTest(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	host, err := h.Announcer.Test(ctx)
	if err != nil {
		return nil, inbox.Faultf(inbox.Temporary, "webhook", "the webhook did not take the test message: %v", err)
	}
	return one(h, "alert_test", admin.AlertTest{Host: host, TookMS: time.Since(began).Milliseconds()}), nil
}

// alertsNow are those of the last picture; null if there is none: nobody waits for
// one here.
func (h *handler) alertsNow(ctx context.Context, orgID int64) []admin.Alert {
	k := h.tops.of(orgID)
	if last := k.last.Load(); last != nil && h.Now().Sub(last.GeneratedAt) < 3*topIdle {
		return h.book.view(orgID, last.Alerts, h.Now())
	}
	if orgID == 0 { // Watch is about to make it
		return nil
	}
	return k.picture(context.WithoutCancel(ctx)).Alerts
}
