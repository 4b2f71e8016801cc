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

// retryJobs runs dead jobs again: those a selector chooses, or those named by
// id. It touches nothing that is not dead, uncertain jobs least of all.
func (h *handler) retryJobs(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.RetryRequest](c)
	if err != nil {
		return nil, err
	}
	if err := checkRetry(r); err != nil {
		return nil, err
	}
	f, err := h.filter(ctx, c.caller, r.Selector)
	if err != nil {
		return nil, err
	}
	result := admin.RetryResult{DryRun: r.DryRun, Skipped: []admin.Skip{}, ByOrg: []admin.OrgCount{}}
	if len(f.IDs) > 0 {
		if result.Skipped, err = h.skipped(ctx, f); err != nil {
			return nil, err
		}
	}
	if err := h.retry(ctx, f, &result); err != nil {
		return nil, err
	}
	return one(h, "retry", result), nil
}

func checkRetry(r admin.RetryRequest) error {
	if r.Selector.Empty() && !r.All {
		return inbox.Faultf(inbox.Invalid, "empty_selector", "nothing is selected: say which jobs, or all of them with --all")
	}
	for _, state := range r.Selector.State {
		if state != job.Dead.String() {
			return inbox.Faultf(inbox.Invalid, "not_dead", "only dead jobs can be retried, not %s ones", state)
		}
	}
	return nil
}

// retry counts what is chosen and, unless it is a dry run, revives it. What was
// counted but not revived was locked, or changed, by somebody else. An error
// after the first jobs were revived is part of the result: a caller must learn
// what was done.
func (h *handler) retry(ctx context.Context, f inspect.Filter, result *admin.RetryResult) error {
	counts, err := h.Retrier.DeadByOrg(ctx, f)
	if err != nil {
		return err
	}
	for _, n := range counts {
		result.ByOrg = append(result.ByOrg, admin.OrgCount{Org: n.Org, N: n.N})
		result.Matched += n.N
	}
	if result.DryRun || result.Matched == 0 {
		return nil
	}
	n, err := h.Retrier.RetryDead(ctx, f)
	if n == 0 && err != nil {
		return err
	}
	result.Retried = int64(n)
	result.Matched = max(result.Matched, result.Retried)
	if err != nil {
		result.Error = word(h.whyStopped(ctx, err))
		return nil
	}
	if busy := result.Matched - result.Retried; busy > 0 {
		result.Skipped = append(result.Skipped, admin.Skip{Reason: "busy", N: busy})
	}
	return nil
}

func (h *handler) whyStopped(ctx context.Context, err error) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "the server stopped after " + admin.RetryTime.String() + ": repeat the command to go on"
	}
	_, _, text := h.explain(ctx, admin.RetryPath, err)
	return text
}

// skipped looks at jobs named by id: all must exist, and those that are not
// dead are left alone. If none is dead that is a Conflict.
func (h *handler) skipped(ctx context.Context, f inspect.Filter) ([]admin.Skip, error) {
	named := inspect.Filter{IDs: f.IDs, OrgIDs: f.OrgIDs, Limit: len(f.IDs)}
	jobs, err := h.Jobs.JobList(ctx, named)
	if err != nil {
		return nil, err
	}
	skips, dead := []admin.Skip{}, 0
	for _, j := range jobs {
		switch i := slices.IndexFunc(skips, func(s admin.Skip) bool { return s.Reason == j.Word() }); {
		case j.Outcome == 0 && j.State == job.Dead:
			dead++
		case i >= 0:
			skips[i].N++
		default:
			skips = append(skips, admin.Skip{Reason: j.Word(), N: 1})
		}
	}
	if missing := missingIDs(f.IDs, jobs); len(missing) > 0 {
		return nil, inbox.Faultf(inbox.NotFound, "job_not_found", "there is no job %s", strings.Join(missing, ", "))
	}
	if dead == 0 {
		return nil, notDead(skips)
	}
	return skips, nil
}

func missingIDs(ids []int64, jobs []inspect.Job) (missing []string) {
	for _, id := range ids {
		if !slices.ContainsFunc(jobs, func(j inspect.Job) bool { return j.ID == id }) {
			missing = append(missing, *idWord(id))
		}
	}
	return missing
}

func notDead(skips []admin.Skip) error {
	words := make([]string, len(skips))
	for i, s := range skips {
		words[i] = s.Reason
	}
	f := inbox.Faultf(inbox.Conflict, "not_dead", "only dead jobs can be retried; this is %s", strings.Join(words, " or "))
	if slices.Contains(words, job.Uncertain.String()) {
		f.Text += ": whether an uncertain message went out is not known, so it is never sent again by a retry"
	}
	return f
}
