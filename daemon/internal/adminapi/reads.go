package adminapi

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

func (h *handler) whyJob(ctx context.Context, c *call) (any, error) {
	if h.Explainer == nil {
		return nil, inbox.Faultf(inbox.Temporary, "no_explainer", "this server cannot explain jobs")
	}
	id, err := parseID(c.path("id"))
	if err != nil {
		return nil, err
	}
	w, err := h.Explainer.Why(ctx, c.caller.orgID, id)
	if err != nil {
		return nil, err
	}
	answer := admin.JobWhy{ID: idOf(w.ID), Org: w.Org, State: w.Word(), Causes: make([]admin.Cause, 0, len(w.Causes))}
	for _, x := range w.Causes {
		answer.Causes = append(answer.Causes, admin.Cause{
			Code: x.Code, Holds: x.Holds, Who: word(x.Who), Since: x.Since, Until: x.Until, Text: x.Text, Command: word(x.Command),
		})
	}
	return one(h, "job_why", answer), nil
}

func (h *handler) countJobs(ctx context.Context, c *call) (any, error) {
	f, err := h.chosen(ctx, c)
	if err != nil {
		return nil, err
	}
	by := c.query.Get("by")
	if by != "" && !slices.Contains(admin.CountWords(), by) {
		return nil, unknownWord(inbox.Invalid, "count", by, admin.CountWords())
	}
	counts, err := h.Jobs.JobCount(ctx, f, inspect.By(by))
	if err != nil {
		return nil, err
	}
	answer := list(h, "job_counts", make([]admin.JobCount, 0, len(counts)))
	for _, n := range counts {
		answer.Items = append(answer.Items, admin.JobCount{Name: word(n.Word), N: n.N, AtLeast: n.Partial})
	}
	if by == "" {
		answer.Items = []admin.JobCount{{Name: word("all")}}
		for _, n := range counts {
			answer.Items[0].N, answer.Items[0].AtLeast = n.N, n.Partial
		}
	}
	return answer, nil
}

// chosen is the filter of a request's selector.
func (h *handler) chosen(ctx context.Context, c *call) (inspect.Filter, error) {
	s, err := admin.ParseSelector(c.query)
	if err != nil {
		return inspect.Filter{}, err
	}
	return h.filter(ctx, c.caller, s)
}

// groupErrors pages by count and signature: the cursor is the last of both.
func (h *handler) groupErrors(ctx context.Context, c *call) (any, error) {
	f, err := h.chosen(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(f.Outcomes) > 0 {
		return nil, inbox.Faultf(inbox.Invalid, "bad_selector", "finished jobs are in no error group: use states such as dead, uncertain or retrying")
	}
	limit, err := readLimit(c.query.Get("limit"))
	if err != nil {
		return nil, err
	}
	after, err := readGroupCursor(c.query.Get("cursor"))
	if err != nil {
		return nil, err
	}
	groups, err := h.Failures.ErrorGroups(ctx, f)
	if err != nil {
		return nil, err
	}
	groups = slices.DeleteFunc(groups, func(g inspect.Group) bool { return !after.before(g) })
	answer := list(h, "error_groups", []admin.ErrorGroup(nil))
	if len(groups) > limit {
		groups = groups[:limit]
		next := strconv.FormatInt(groups[limit-1].N, 10) + ":" + groups[limit-1].Sig
		answer.Next = &next
	}
	answer.Items = make([]admin.ErrorGroup, 0, len(groups))
	for _, g := range groups {
		answer.Items = append(answer.Items, wireGroup(g))
	}
	return answer, nil
}

// groupCursor is the last group of the page before; the zero one is before all.
type groupCursor struct {
	n   int64
	sig string
}

func readGroupCursor(raw string) (groupCursor, error) {
	if raw == "" {
		return groupCursor{}, nil
	}
	number, sig, _ := strings.Cut(raw, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || !isSig(sig) {
		return groupCursor{}, inbox.Faultf(inbox.Invalid, "bad_cursor", "cursor %q is not one this server gave: use next of the page before", raw)
	}
	return groupCursor{n, sig}, nil
}

func (k groupCursor) before(g inspect.Group) bool {
	return k.sig == "" || g.N < k.n || (g.N == k.n && g.Sig > k.sig)
}

func wireGroup(g inspect.Group) admin.ErrorGroup {
	w := admin.ErrorGroup{
		Sig: g.Sig, ErrorClass: string(g.Class), ErrorCode: g.Code, N: g.N,
		Dead: g.ByState[job.Dead], Uncertain: g.ByState[job.Uncertain], Retrying: g.ByState[job.Scheduled],
		Orgs: g.Orgs, OrgsMore: g.OrgsAtLeast, Queues: []string{}, FirstAt: g.First, LastAt: g.Last, SampleID: idOf(g.Sample), SampleText: word(g.Text),
	}
	for _, q := range g.Queues {
		w.Queues = append(w.Queues, q.String())
	}
	return w
}
