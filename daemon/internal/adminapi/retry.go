package adminapi

import (
	"context"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

func retrying() bulk {
	return bulk{path: admin.RetryPath, states: []string{job.Dead.String()}, code: "not_dead", rule: "only dead jobs can be retried"}
}

// retryJobs runs dead jobs again: those a selector chooses, or those named by
// id. It touches nothing that is not dead, uncertain jobs least of all.
func (h *handler) retryJobs(ctx context.Context, c *call) (any, error) {
	r, f, err := retrying().read(ctx, h, c)
	if err != nil {
		return nil, err
	}
	result := admin.RetryResult{DryRun: r.DryRun, Skipped: []admin.Skip{}, ByOrg: []admin.OrgCount{}}
	if len(f.IDs) > 0 {
		if result.Skipped, err = retrying().named(ctx, h, f); err != nil {
			return nil, err
		}
	}
	if err := h.retry(ctx, c.caller.name, f, &result); err != nil {
		return nil, err
	}
	return one(h, "retry", result), nil
}

// retry counts what is chosen and, unless it is a dry run, revives it. What was
// counted but not revived was locked, or changed, by somebody else. An error
// after the first jobs were revived is part of the result: a caller must learn
// what was done.
func (h *handler) retry(ctx context.Context, by string, f inspect.Filter, result *admin.RetryResult) error {
	counts, err := h.Retrier.DeadByOrg(ctx, f)
	if err != nil {
		return err
	}
	result.ByOrg, result.Matched = byOrg(counts)
	if result.DryRun || result.Matched == 0 {
		return nil
	}
	noteBulk(ctx, result.Matched, result.ByOrg)
	n, err := h.Retrier.RetryDead(ctx, f, by)
	if n == 0 && err != nil {
		return err
	}
	result.Retried = int64(n)
	result.Matched = max(result.Matched, result.Retried)
	if err != nil {
		result.Error = retrying().whyStopped(ctx, h, err)
		return nil
	}
	if busy := result.Matched - result.Retried; busy > 0 {
		result.Skipped = append(result.Skipped, admin.Skip{Reason: "busy", N: busy})
	}
	return nil
}
