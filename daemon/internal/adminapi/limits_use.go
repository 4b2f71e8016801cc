package adminapi

import (
	"context"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Use is how much of a rate is in use. Reset is until the next token is free; 0:
// one is free now.
type Use struct {
	Used  int
	Reset time.Duration
}

// Usage says how much of an org's rates is in use, without taking anything; false:
// not known. Sent is of what leaves for the provider, Accepted of what the API
// takes.
type Usage interface {
	Sent(ctx context.Context, orgID int64, a job.Action, r job.Rate) (Use, bool)
	Accepted(ctx context.Context, orgID int64, a job.Action, r job.Rate) (Use, bool)
}

// History keeps what limits were.
type History interface {
	// LimitChanges returns the newest first, of the org or, with 0, of all; below
	// the id before, unless it is 0.
	LimitChanges(ctx context.Context, orgID, before int64, limit int) ([]control.LimitChange, error)
}

// addUse says of the limits of one org how much of them is in use now. What is
// not known stays null.
func (h *handler) addUse(ctx context.Context, org inbox.Org, limits []admin.Limit) {
	ready, underWay, err := h.Jobs.ReadyByType(ctx, org.ID)
	if err != nil {
		h.Logger.WarnContext(ctx, "what waits for limits is not known", "error", err)
	}
	for i := range limits {
		l := &limits[i]
		switch l.Name {
		case control.Weight:
		case control.Concurrency:
			if err == nil {
				n := int(underWay)
				l.Used = &n
			}
		default:
			h.rateUse(ctx, org.ID, l)
			if n, sends := waitsFor(job.Action(l.Name), ready); err == nil && sends {
				l.Waiting = &n
			}
		}
	}
}

// rateUse takes the window that counts for the action: what is sent for sends,
// what is accepted for the rest.
func (h *handler) rateUse(ctx context.Context, orgID int64, l *admin.Limit) {
	if h.Usage == nil || l.Value == nil || l.WindowMS == nil {
		return
	}
	a, r := job.Action(l.Name), job.Rate{N: *l.Value, Window: span(*l.WindowMS)}
	use, known := h.Usage.Accepted(ctx, orgID, a, r)
	if known {
		l.APIUsed = &use.Used
	}
	if _, sends := waitsFor(a, nil); sends {
		use, known = h.Usage.Sent(ctx, orgID, a, r)
	}
	if !known {
		return
	}
	throttled, reset := use.Used >= r.N, use.Reset.Milliseconds()
	l.Used, l.Throttled = &use.Used, &throttled
	if throttled {
		l.ResetMS = &reset
	}
}

// waitsFor counts the ready jobs an action is about; false: none ever are.
func waitsFor(a job.Action, ready map[job.Type]int64) (n int64, sends bool) {
	for t, count := range ready {
		if of, limited := t.Action(); limited && of == a {
			n += count
		}
	}
	return n, a == job.ActionSendText || a == job.ActionSendTemplate
}

func (h *handler) listLimitChanges(ctx context.Context, c *call) (any, error) {
	if h.History == nil {
		return nil, inbox.Faultf(inbox.NotFound, "no_history", "this server keeps no history of limits")
	}
	orgID, names, err := h.within(ctx, c)
	if err != nil {
		return nil, err
	}
	var before int64
	if word := c.query.Get("cursor"); word != "" {
		if before, err = parseIDOf("change", word); err != nil {
			return nil, err
		}
	}
	limit, err := readLimit(c.query.Get("limit"))
	if err != nil {
		return nil, err
	}
	changes, err := h.History.LimitChanges(ctx, orgID, before, limit)
	if err != nil {
		return nil, err
	}
	answer := list(h, "limit_changes", make([]admin.LimitChange, 0, len(changes)))
	for _, x := range changes {
		answer.Items = append(answer.Items, wireChange(x, names[x.OrgID]))
	}
	if len(changes) == limit {
		answer.Next = word(idOf(changes[limit-1].ID))
	}
	return answer, nil
}

func wireChange(x control.LimitChange, org string) admin.LimitChange {
	w := admin.LimitChange{
		ID: idOf(x.ID), Org: org, Name: x.Name, Owner: x.Owner, Reason: word(x.Reason), At: x.At.UTC(), ExpiresAt: timeWord(x.ExpiresAt),
		EndedAt: timeWord(x.EndedAt), EndedBy: word(x.EndedBy),
	}
	if x.Before != nil {
		w.Before, w.BeforeWindowMS = wireValue(*x.Before)
	}
	if x.After != nil {
		w.After, w.AfterWindowMS = wireValue(*x.After)
	}
	return w
}
