package adminapi

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// listHolds shows an org's caller its own holds and those of whole queues, which
// hold its jobs too.
func (h *handler) listHolds(ctx context.Context, c *call) (any, error) {
	var orgID int64
	if name := c.query.Get("org"); name != "" {
		org, err := h.org(ctx, c.caller, name)
		if err != nil {
			return nil, err
		}
		orgID = org.ID
	}
	var q job.Queue
	if name := c.query.Get("queue"); name != "" {
		var err error
		if q, err = parseQueue(name); err != nil {
			return nil, err
		}
	}
	s, err := h.Control.LoadControl(ctx)
	if err != nil {
		return nil, err
	}
	holds := slices.DeleteFunc(h.visibleHolds(c.caller, s), func(x control.Hold) bool {
		return (orgID != 0 && x.OrgID != orgID) || (q != 0 && x.Queue != q)
	})
	wire, err := h.wireHolds(ctx, holds)
	if err != nil {
		return nil, err
	}
	return list(h, "holds", wire), nil
}

func (h *handler) visibleHolds(who caller, s *control.Snapshot) []control.Hold {
	return slices.DeleteFunc(s.Active(h.Now()), func(x control.Hold) bool {
		return who.orgID != 0 && x.OrgID != 0 && x.OrgID != who.orgID
	})
}

// addHold pauses: it answers when every process has applied that and what was on
// its way has been called back.
func (h *handler) addHold(ctx context.Context, c *call) (any, error) {
	a, err := decode[admin.HoldAdd](c)
	if err != nil {
		return nil, err
	}
	hold, err := h.readHold(ctx, c, a)
	if err != nil {
		return nil, err
	}
	lasts, err := readLasts(a.LastsMS)
	if err != nil {
		return nil, err
	}
	result := admin.HoldResult{DryRun: a.DryRun, Holds: []admin.Hold{}}
	if !a.DryRun { // the brake first: a count that fails or takes long must not be in its way
		added, version, err := h.Control.AddHold(ctx, hold, lasts)
		if err != nil {
			return nil, err
		}
		if result.Holds, err = h.wireHolds(ctx, []control.Hold{added}); err != nil {
			return nil, err
		}
		result.Applied = h.applied(ctx, c.caller, version)
		result.Recalled = h.recalled(ctx, func() (int, error) { return h.Recaller.RecallHeld(ctx) })
		hold.ID = added.ID
	}
	if result.Waiting, err = h.waiting(ctx, hold); err != nil && a.DryRun {
		return nil, err
	}
	if result.Others, err = h.others(ctx, c.caller, hold); err != nil {
		return nil, err
	}
	return one(h, "hold", result), nil
}

func (h *handler) readHold(ctx context.Context, c *call, a admin.HoldAdd) (hold control.Hold, err error) {
	hold.Owner, hold.Reason = c.caller.name, a.Reason
	if a.Queue != "" {
		if hold.Queue, err = parseQueue(a.Queue); err != nil {
			return hold, err
		}
	}
	if a.Type != "" {
		if hold.Type, err = parseType(a.Type, hold.Queue); err != nil {
			return hold, err
		}
	}
	switch {
	case a.Org != "":
		org, err := h.org(ctx, c.caller, a.Org)
		hold.OrgID = org.ID
		return hold, err
	case a.Queue == "":
		return hold, inbox.Faultf(inbox.Invalid, "nothing_to_hold", "say what to pause: an org, a queue, or both")
	}
	return hold, unbound(c.caller, "pause a queue")
}

func parseQueue(word string) (job.Queue, error) {
	q, ok := job.ParseQueue(word)
	if !ok {
		return 0, unknownWord(inbox.NotFound, "queue", word, queueWords())
	}
	return q, nil
}

// parseType also refuses a type that the queue never has: such a hold would
// look like a pause and hold nothing.
func parseType(word string, q job.Queue) (job.Type, error) {
	t, ok := job.ParseType(word)
	switch {
	case !ok:
		return 0, unknownWord(inbox.Invalid, "type", word, admin.JobTypes())
	case q != 0 && !slices.Contains(t.Queues(), q):
		return 0, inbox.Faultf(inbox.Invalid, "type_not_in_queue", "jobs of type %s are never in the queue %s", t, q)
	}
	return t, nil
}

// waiting counts the unfinished jobs of what a hold covers; nil where the type
// makes it unknown.
func (h *handler) waiting(ctx context.Context, hold control.Hold) (*int64, error) {
	if hold.Type != 0 {
		return nil, nil //nolint:nilnil // Not known is no fault.
	}
	queues, err := h.Jobs.QueueSummary(ctx, hold.OrgID)
	if err != nil {
		return nil, err
	}
	var n int64
	for _, q := range queues {
		if (hold.Queue == 0 && q.Queue != job.TokenRefresh) || hold.Queue == q.Queue {
			for _, s := range []job.State{job.Scheduled, job.Ready, job.Dispatched, job.Running, job.Held} {
				n += q.Counts[s]
			}
		}
	}
	return &n, nil
}

// recalled calls back what is on its way. If that fails the pause holds all the
// same, because claims look at the holds: then the number is not known.
func (h *handler) recalled(ctx context.Context, recall func() (int, error)) *int64 {
	n, err := recall()
	if err != nil {
		h.Logger.WarnContext(ctx, "dispatched jobs not recalled; their claims will be denied", "error", err)
		return nil
	}
	count := int64(n)
	return &count
}

// others returns the holds beside this one that hold some of the same.
func (h *handler) others(ctx context.Context, who caller, of control.Hold) ([]admin.Hold, error) {
	s, err := h.Control.LoadControl(ctx)
	if err != nil {
		return nil, err
	}
	return h.wireHolds(ctx, slices.DeleteFunc(h.visibleHolds(who, s), func(x control.Hold) bool {
		return x.ID == of.ID || apart(x.OrgID, of.OrgID) || apart(x.Queue, of.Queue) || apart(x.Type, of.Type)
	}))
}

// apart reports whether two values, of which 0 means any, exclude each other.
func apart[T int64 | job.Queue | job.Type](a, b T) bool { return a != 0 && b != 0 && a != b }

// releaseHolds ends holds of an org, or of a queue as a whole. Whoever resumes
// ends their own: what others hold for their own reasons stays, unless it is
// named, or all are meant.
func (h *handler) releaseHolds(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.HoldRelease](c)
	if err != nil {
		return nil, err
	}
	of, where, err := h.readRelease(ctx, c, r)
	if err != nil {
		return nil, err
	}
	s, err := h.Control.LoadControl(ctx)
	if err != nil {
		return nil, err
	}
	holds := slices.DeleteFunc(s.Active(h.Now()), func(x control.Hold) bool {
		return x.OrgID != of.OrgID || (of.OrgID == 0 && x.Queue != of.Queue)
	})
	ids, err := choose(holds, r.Hold, c.caller.name, where)
	if err != nil {
		return nil, err
	}
	result := admin.HoldResult{Holds: []admin.Hold{}}
	if len(ids) > 0 {
		released, version, err := h.Control.ReleaseHolds(ctx, ids, c.caller.name)
		if err != nil {
			return nil, err
		}
		if result.Holds, err = h.wireHolds(ctx, released); err != nil {
			return nil, err
		}
		result.Applied = h.applied(ctx, c.caller, version)
	}
	if result.Others, err = h.others(ctx, c.caller, of); err != nil {
		return nil, err
	}
	return one(h, "hold", result), nil
}

func (h *handler) readRelease(ctx context.Context, c *call, r admin.HoldRelease) (of control.Hold, where string, err error) {
	switch {
	case r.Org != "" && r.Queue == "":
		org, err := h.org(ctx, c.caller, r.Org)
		return control.Hold{OrgID: org.ID}, org.Name, err
	case r.Queue != "" && r.Org == "":
		if of.Queue, err = parseQueue(r.Queue); err != nil {
			return of, "", err
		}
		return of, "the queue " + r.Queue, unbound(c.caller, "resume a queue")
	}
	return of, "", inbox.Faultf(inbox.Invalid, "nothing_to_resume", "say what to resume: either an org or a queue")
}

// choose returns the ids to release: those of whoever asks, unless one is named
// or all are meant. None to release is no fault: it is so already.
func choose(holds []control.Hold, word, who, where string) (ids []int64, err error) {
	var all []int64
	var words []string
	for _, x := range holds {
		all, words = append(all, x.ID), append(words, idOf(x.ID)+" by "+x.Owner)
		if x.Owner == who {
			ids = append(ids, x.ID)
		}
	}
	switch {
	case word == admin.AllHolds:
		return all, nil
	case word == "" && (len(ids) > 0 || len(all) == 0):
		return ids, nil
	case word == "":
		return nil, inbox.Faultf(inbox.Conflict, "others_hold", "none of the holds on %s is yours (%s): name one with --hold ID, or release every one with --all-holds", where, strings.Join(words, ", "))
	}
	id, err := parseIDOf("hold", word)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(all, id) {
		f := inbox.Faultf(inbox.NotFound, "hold_not_found", "there is no hold %d on %s", id, where)
		if len(words) > 0 {
			f.Text += ": it has " + strings.Join(words, ", ")
		}
		return nil, f
	}
	return []int64{id}, nil
}

func (h *handler) wireHolds(ctx context.Context, holds []control.Hold) ([]admin.Hold, error) {
	wire := make([]admin.Hold, 0, len(holds))
	if len(holds) == 0 {
		return wire, nil
	}
	ids := make([]int64, 0, len(holds))
	for _, x := range holds {
		ids = append(ids, x.OrgID)
	}
	names, err := h.names.of(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, x := range holds {
		w := admin.Hold{
			ID: idOf(x.ID), Owner: x.Owner, Org: word(names[x.OrgID]), Reason: word(x.Reason),
			CreatedAt: x.CreatedAt.UTC(), ExpiresAt: timeWord(x.ExpiresAt),
		}
		if x.Queue != 0 {
			w.Queue = word(x.Queue.String())
		}
		if x.Type != 0 {
			w.Type = word(x.Type.String())
		}
		wire = append(wire, w)
	}
	return wire, nil
}

// names remembers what orgs are called, which never changes: the holds of every
// look need it.
type names struct {
	orgs Orgs
	mu   sync.Mutex
	all  map[int64]string
}

// of returns the names of these orgs at least; all are read when one is new.
func (n *names) of(ctx context.Context, ids []int64) (map[int64]string, error) {
	n.mu.Lock()
	all := n.all
	n.mu.Unlock()
	if !slices.ContainsFunc(ids, func(id int64) bool { return id != 0 && all[id] == "" }) {
		return all, nil
	}
	orgs, err := n.orgs.Orgs(ctx)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = orgNames(orgs)
	return n.all, nil
}

func namesOf(names map[int64]string, ids []int64) (words []string) {
	for _, id := range ids {
		words = append(words, names[id])
	}
	return words
}

func orgNames(orgs []inbox.Org) map[int64]string {
	names := make(map[int64]string, len(orgs))
	for _, o := range orgs {
		names[o.ID] = o.Name
	}
	return names
}
