package adminapi_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// engine is what operators change, in memory. Two processes apply every change
// at once, a third one never if late is set.
type engine struct {
	mu      sync.Mutex
	version int64
	holds   []control.Hold
	limits  []control.Limit
	dials   map[job.Queue]int
	late    bool
	silent  error // Acks fails

	recalls   []string
	drained   int64 // a worker
	cancelled []inspect.Filter
	stop      error // Cancel fails, after one job
	resolved  []inspect.Resolution
	by        []string
}

func (e *engine) lock() func() { e.mu.Lock(); return e.mu.Unlock }

func (e *engine) LoadControl(context.Context) (*control.Snapshot, error) {
	defer e.lock()()
	return control.New(e.version, append([]control.Hold{}, e.holds...), e.limits, e.dials), nil
}

func (e *engine) AddHold(_ context.Context, h control.Hold, lasts time.Duration) (control.Hold, int64, error) {
	defer e.lock()()
	e.version++
	h.ID, h.CreatedAt = e.version, day
	if lasts > 0 {
		h.ExpiresAt = day.Add(lasts)
	}
	e.holds = append(e.holds, h)
	return h, e.version, nil
}

func (e *engine) ReleaseHolds(_ context.Context, ids []int64, by string) (released []control.Hold, version int64, err error) {
	defer e.lock()()
	var left []control.Hold
	for _, h := range e.holds {
		if slices.Contains(ids, h.ID) {
			released = append(released, h)
		} else {
			left = append(left, h)
		}
	}
	e.version++
	e.holds, e.by = left, append(e.by, by)
	return released, e.version, nil
}

func (e *engine) SetLimits(_ context.Context, limits []control.Limit, lasts time.Duration) (int64, error) {
	defer e.lock()()
	for _, l := range limits {
		l.SetAt = day
		if lasts > 0 {
			l.ExpiresAt = day.Add(lasts)
		}
		e.limits = append(e.limits, l)
	}
	e.version++
	return e.version, nil
}

func (e *engine) ResetLimits(context.Context, control.LimitReset) (int, int64, error) {
	defer e.lock()()
	n := len(e.limits)
	e.limits = nil
	e.version++
	return n, e.version, nil
}

func (e *engine) LimitChanges(_ context.Context, orgID, before int64, limit int) (page []control.LimitChange, err error) {
	defer e.lock()()
	for id := int64(3); id > 0; id-- {
		if (before == 0 || id < before) && len(page) < limit && orgID != 2 {
			page = append(page, control.LimitChange{
				ID: id, OrgID: 1, Name: "send_text", Owner: "token:5", At: day,
				After: &control.Limit{Name: "send_text", Value: 100 * int(id), Window: time.Minute},
			})
		}
	}
	return page, nil
}

func (e *engine) DrainWorker(_ context.Context, id int64, by string) (int64, error) {
	defer e.lock()()
	e.drained, e.by = id, append(e.by, by)
	e.version++
	return e.version, nil
}

func (e *engine) UndrainWorker(context.Context, int64) (int64, error) {
	defer e.lock()()
	e.drained = 0
	e.version++
	return e.version, nil
}

func (e *engine) SetDial(_ context.Context, q job.Queue, dial int, _ string) (int64, error) {
	defer e.lock()()
	e.dials = map[job.Queue]int{q: dial}
	e.version++
	return e.version, nil
}

func (e *engine) Acks(context.Context, int64) ([]control.Ack, error) {
	defer e.lock()()
	acks := []control.Ack{{ID: 1, Host: "a", PID: 42, Mode: "api", Acked: true}, {ID: 2, Host: "b", PID: 4242, Mode: "worker", Acked: true}}
	if e.late {
		acks = append(acks, control.Ack{ID: 3, Host: "c", PID: 7, Mode: "worker"})
	}
	return acks, e.silent
}

func (e *engine) RecallHeld(context.Context) (int, error) {
	defer e.lock()()
	e.recalls = append(e.recalls, "held")
	return 3, nil
}

func (e *engine) RecallDial(_ context.Context, q job.Queue, _ int) (int, error) {
	defer e.lock()()
	e.recalls = append(e.recalls, q.String())
	return 2, nil
}

func (e *engine) CountCancellable(context.Context, inspect.Filter) ([]inspect.OrgCount, error) {
	return []inspect.OrgCount{{Org: "acme", N: 3}}, nil
}

func (e *engine) Cancel(_ context.Context, f inspect.Filter, by string) (cancelled, flagged int, err error) {
	defer e.lock()()
	e.cancelled, e.by = append(e.cancelled, f), append(e.by, by)
	if e.stop != nil {
		return 1, 0, e.stop
	}
	return 2, 1, nil
}

func (e *engine) Resolve(_ context.Context, orgID, jobID int64, how inspect.Resolution, by string) (string, error) {
	defer e.lock()()
	if orgID != 0 || jobID != 12 {
		return "", inbox.Faultf(inbox.NotFound, "job_not_found", "there is no job %d", jobID)
	}
	e.resolved, e.by = append(e.resolved, how), append(e.by, by)
	return "done", nil
}

func (f *fake) SetChannelState(_ context.Context, orgID, id int64, state inbox.ChannelState) (inbox.Channel, int64, error) {
	defer f.lock()()
	for i := range f.channels {
		if c := &f.channels[i]; c.ID == id && c.OrgID == orgID {
			c.State = state
			return *c, 9, nil
		}
	}
	return inbox.Channel{}, 0, inbox.Faultf(inbox.NotFound, "channel_not_found", "there is no channel %d", id)
}

func (f *fake) SetChannelToken(_ context.Context, _, id int64, token string) (inbox.Channel, int64, error) {
	defer f.lock()()
	f.secrets[id-1] = token
	return f.channels[id-1], 9, nil
}
