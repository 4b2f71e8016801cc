package adminapi

import (
	"context"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

func cancelling() bulk {
	return bulk{
		path: admin.CancelPath, states: admin.CancelStates(), code: "not_cancellable",
		rule: "only scheduled, ready, dispatched, held and running jobs can be cancelled",
	}
}

// cancelJobs ends jobs that wait, and asks running ones to stop: those a
// selector chooses, or those named by id. It never touches uncertain and dead
// ones.
func (h *handler) cancelJobs(ctx context.Context, c *call) (any, error) {
	r, f, err := cancelling().read(ctx, h, c)
	if err != nil {
		return nil, err
	}
	if h.Canceller == nil {
		return nil, inbox.Faultf(inbox.Unprocessable, "not_available", "this server cannot cancel jobs")
	}
	result := admin.CancelResult{DryRun: r.DryRun}
	if result.Skipped, err = h.notCancelled(ctx, f); err != nil {
		return nil, err
	}
	if err := h.cancel(ctx, c.caller.name, f, &result); err != nil {
		return nil, err
	}
	return one(h, "cancel", result), nil
}

// notCancelled counts what the selection would have in it, were it not that a
// cancel never touches it. A selection by state has chosen already.
func (h *handler) notCancelled(ctx context.Context, f inspect.Filter) ([]admin.Skip, error) {
	if len(f.IDs) > 0 {
		return cancelling().named(ctx, h, f)
	}
	if len(f.States) > 0 || f.Retrying {
		return []admin.Skip{}, nil
	}
	f.States, f.Limit = []job.State{job.Uncertain, job.Dead}, maxIDs
	jobs, err := h.Jobs.JobList(ctx, f)
	return countStates(jobs), err
}

// cancel counts what is chosen and, unless it is a dry run, cancels it. An error
// after the first jobs is part of the result: a caller must learn what was done.
func (h *handler) cancel(ctx context.Context, by string, f inspect.Filter, result *admin.CancelResult) error {
	counts, err := h.Canceller.CountCancellable(ctx, f)
	if err != nil {
		return err
	}
	result.ByOrg, result.Matched = byOrg(counts)
	if result.DryRun || result.Matched == 0 {
		return nil
	}
	noteBulk(ctx, result.Matched, result.ByOrg)
	cancelled, flagged, err := h.Canceller.Cancel(ctx, f, by)
	if cancelled+flagged == 0 && err != nil {
		return err
	}
	result.Cancelled, result.Flagged = int64(cancelled), int64(flagged)
	result.Matched = max(result.Matched, result.Cancelled+result.Flagged)
	if err != nil {
		result.Error = cancelling().whyStopped(ctx, h, err)
	}
	return nil
}
