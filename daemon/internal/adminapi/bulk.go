package adminapi

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// bulk is one way to change many jobs at once.
type bulk struct {
	path   string   // of the request, for the log
	states []string // that it touches, as words of a selector
	code   string   // of the fault when a job is in another state
	rule   string   // "only dead jobs can be retried"
}

// read reads a request and turns its selector into a filter.
func (b bulk) read(ctx context.Context, h *handler, c *call) (r admin.BulkRequest, f inspect.Filter, err error) {
	if r, err = decode[admin.BulkRequest](c); err != nil {
		return r, f, err
	}
	if r.Selector.Empty() && !r.All {
		return r, f, inbox.Faultf(inbox.Invalid, "empty_selector", "nothing is selected: say which jobs, or all of them with --all")
	}
	for _, state := range r.Selector.State {
		if !slices.Contains(b.states, state) {
			return r, f, inbox.Faultf(inbox.Invalid, b.code, "%s, not %s ones", b.rule, state)
		}
	}
	f, err = h.filter(ctx, c.caller, r.Selector)
	c.change.Note("selector", r.Selector)
	return r, f, err
}

// mostNoted is how many orgs the record of a bulk change counts apart.
const mostNoted = 20

// noteBulk puts into the record what was counted before the change.
func noteBulk(ctx context.Context, matched int64, byOrg []admin.OrgCount) {
	change := inbox.ChangeOf(ctx)
	change.Note("matched", matched)
	change.Note("by_org", byOrg[:min(len(byOrg), mostNoted)])
}

// touches reports whether a job is in a state that this changes.
func (b bulk) touches(j inspect.Job) bool {
	return j.Outcome == 0 && slices.Contains(b.states, j.Word())
}

// named looks at jobs named by id: all must exist, and those in other states are
// left alone. If none is left that is a Conflict.
func (b bulk) named(ctx context.Context, h *handler, f inspect.Filter) ([]admin.Skip, error) {
	jobs, err := h.Jobs.JobList(ctx, inspect.Filter{IDs: f.IDs, OrgIDs: f.OrgIDs, Limit: len(f.IDs)})
	if err != nil {
		return nil, err
	}
	if missing := missingIDs(f.IDs, jobs); len(missing) > 0 {
		return nil, inbox.Faultf(inbox.NotFound, "job_not_found", "there is no job %s", strings.Join(missing, ", "))
	}
	others := slices.DeleteFunc(slices.Clone(jobs), b.touches)
	skips := countStates(others)
	if len(others) == len(jobs) {
		return nil, b.conflict(skips)
	}
	return skips, nil
}

// countStates counts jobs by the word of their state, in the order they come.
func countStates(jobs []inspect.Job) []admin.Skip {
	skips := []admin.Skip{}
	for _, j := range jobs {
		if i := slices.IndexFunc(skips, func(s admin.Skip) bool { return s.Reason == j.Word() }); i >= 0 {
			skips[i].N++
			continue
		}
		skips = append(skips, admin.Skip{Reason: j.Word(), N: 1})
	}
	return skips
}

func missingIDs(ids []int64, jobs []inspect.Job) (missing []string) {
	for _, id := range ids {
		if !slices.ContainsFunc(jobs, func(j inspect.Job) bool { return j.ID == id }) {
			missing = append(missing, idOf(id))
		}
	}
	return missing
}

func (b bulk) conflict(skips []admin.Skip) error {
	words := make([]string, len(skips))
	for i, s := range skips {
		words[i] = s.Reason
	}
	f := inbox.Faultf(inbox.Conflict, b.code, "%s; this is %s", b.rule, strings.Join(words, " or "))
	if slices.Contains(words, job.Uncertain.String()) {
		f.Text += ": whether an uncertain message went out is not known, so it is never sent again or ended by itself: settle it with `inboxctl jobs resolve ID`"
	}
	return f
}

// whyStopped says why a change ended before it had seen every job.
func (b bulk) whyStopped(ctx context.Context, h *handler, err error) *string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return word("the server stopped after " + admin.RetryTime.String() + ": repeat the command to go on")
	}
	_, _, text := h.explain(ctx, b.path, err)
	return word(text)
}

// byOrg puts counts on the wire, with their sum.
func byOrg(counts []inspect.OrgCount) (split []admin.OrgCount, sum int64) {
	split = []admin.OrgCount{}
	for _, n := range counts {
		split = append(split, admin.OrgCount{Org: n.Org, N: n.N})
		sum += n.N
	}
	return split, sum
}
