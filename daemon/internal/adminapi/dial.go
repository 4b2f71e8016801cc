package adminapi

import (
	"context"
	"slices"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

func (h *handler) showQueue(ctx context.Context, c *call) (any, error) {
	q, err := parseQueue(c.path("id"))
	if err != nil {
		return nil, err
	}
	looked, stale := h.status.snapshot(ctx, c.caller.orgID)
	i := slices.IndexFunc(looked.Queues, func(w admin.Queue) bool { return w.Name == q.String() })
	if i < 0 {
		return nil, inbox.Faultf(inbox.Temporary, "ledger", "the ledger has not answered yet: see `inboxctl status`")
	}
	s, err := h.Control.LoadControl(ctx)
	if err != nil {
		return nil, err
	}
	detail := admin.QueueDetail{Queue: looked.Queues[i]}
	holds := slices.DeleteFunc(h.visibleHolds(c.caller, s), func(x control.Hold) bool { return !touches(x, q) })
	if detail.HoldList, err = h.wireHolds(ctx, holds); err != nil {
		return nil, err
	}
	answer := one(h, "queue", detail)
	answer.StaleMS = stale.Milliseconds()
	return answer, nil
}

// touches reports whether a hold covers any job of a queue.
func touches(x control.Hold, q job.Queue) bool {
	switch {
	case x.Queue != 0:
		return x.Queue == q
	case x.Type != 0:
		return slices.Contains(x.Type.Queues(), q)
	}
	return q != job.TokenRefresh
}

// setDial changes the dial; turned back, it calls back what it no longer lets
// travel by Redis.
func (h *handler) setDial(ctx context.Context, c *call) (any, error) {
	d, err := decode[admin.DialSet](c)
	if err != nil {
		return nil, err
	}
	q, err := parseQueue(d.Queue)
	if err != nil {
		return nil, err
	}
	if d.Dial < 0 || d.Dial > 100 {
		return nil, inbox.Faultf(inbox.Invalid, "bad_dial", "the dial %d is not a percentage: use 0 to 100", d.Dial)
	}
	if err := unbound(c.caller, "turn a dial"); err != nil {
		return nil, err
	}
	result := admin.DialResult{DryRun: d.DryRun, ID: q.String(), Name: q.String(), Dial: d.Dial, Effective: d.Dial}
	if !h.Redis {
		result.Effective = 0
	}
	if result.Effective != d.Dial {
		result.Note = word("no Redis is configured (INBOXD_REDIS_URL): the dial means 0 until one is")
	}
	if h.Dial != nil {
		before := h.Dial(q)
		result.Before = &before
	}
	if d.DryRun {
		return one(h, "dial", result), nil
	}
	version, err := h.Control.SetDial(ctx, q, d.Dial, c.caller.name)
	if err != nil {
		return nil, err
	}
	result.Applied = h.applied(ctx, c.caller, version)
	result.Recalled = h.recalled(ctx, func() (int, error) { return h.Recaller.RecallDial(ctx, q, d.Dial) })
	return one(h, "dial", result), nil
}
