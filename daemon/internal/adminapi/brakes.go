package adminapi

import (
	"context"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// Waiting names orgs with ready work, for a look at their limits. orgID 0 means
// all orgs.
type Waiting interface {
	WaitingOrgs(ctx context.Context, orgID int64) ([]inspect.Waiting, error)
}

// brakes are the holds there are, and the limits that orgs with ready work have
// used up; nil for what is not known. They are a look's extras: it goes without.
func (h *handler) brakes(ctx context.Context, orgID int64) (holds []admin.Hold, throttled []admin.ThrottledLimit) {
	if h.Snapshot != nil {
		wire, err := h.wireHolds(ctx, h.visibleHolds(caller{orgID: orgID}, h.Snapshot()))
		if err == nil {
			holds = wire
		}
	}
	if h.Waiting == nil || h.Token == nil || h.Snapshot == nil {
		return holds, nil
	}
	waiting, err := h.Waiting.WaitingOrgs(ctx, orgID)
	if err != nil {
		return holds, nil
	}
	throttled = []admin.ThrottledLimit{}
	for _, w := range waiting {
		if t, yes := h.throttledLimit(ctx, w); yes {
			throttled = append(throttled, t)
		}
	}
	return holds, throttled
}

func (h *handler) throttledLimit(ctx context.Context, w inspect.Waiting) (t admin.ThrottledLimit, yes bool) {
	now, s := h.Now(), h.Snapshot()
	action, limited := w.Type.Action()
	if !limited || s.Held(w.OrgID, w.Queue, w.Type, now) {
		return t, false
	}
	r := s.Rate(w.OrgID, action, now)
	want := job.Want{OrgID: w.OrgID, Action: action, Rate: r, Most: r.N}
	if w.Bulk {
		want.Most = job.BulkMost(r.N)
	}
	wait := h.Token(ctx, want).RetryAfter
	if wait <= 0 {
		return t, false
	}
	value, window, ms := r.N, r.Window.Milliseconds(), wait.Milliseconds()
	return admin.ThrottledLimit{Org: w.Org, Name: string(action), Queue: w.Queue.String(), Bulk: w.Bulk, Value: value, WindowMS: window, NextTokenMS: ms}, true
}
