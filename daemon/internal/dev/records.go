package dev

import (
	"context"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// Records reads what the daemon has stored, for the report. Implementations
// are safe for concurrent use.
type Records interface {
	// Mark returns the highest ids so far; the figures count what came after.
	Mark(ctx context.Context) (Mark, error)
	// UnknownJobs returns those of ids that are neither in the live jobs nor in
	// the history.
	UnknownJobs(ctx context.Context, ids []int64) ([]int64, error)
	// UnknownInbound returns those of keys for which no message is stored.
	UnknownInbound(ctx context.Context, keys []InboundKey) ([]InboundKey, error)
	// Unfinished counts the jobs after since that are scheduled, ready,
	// dispatched or running.
	Unfinished(ctx context.Context, since Mark) (int64, error)
	// JobFigures returns what became of the jobs after since.
	JobFigures(ctx context.Context, since Mark) (JobFigures, error)
	// InboxFigures returns what became of the messages and episodes after since.
	InboxFigures(ctx context.Context, since Mark) (InboxFigures, error)
}

// Mark is a point between rows: the highest ids before it.
type Mark struct {
	Job, Message, Episode int64
}

// InboundKey is how the provider names an inbound message: the account it came
// to (kind and Meta's id) and its own id.
type InboundKey struct {
	Kind, Account, ProviderID string
}

// JobFigures count jobs by what became of them and attempts by lane, with the
// three times of design: Wait and Run of each attempt, E2E of each final job.
type JobFigures struct {
	Jobs  JobCounts
	Lanes LaneCounts
	Times Times
}

// InboxFigures count inbound messages stored (In), outbound ones by how far
// they came (cumulative: Sent includes Delivered and Read), and the outcome of
// SLA clocks.
type InboxFigures struct {
	In, Sent, Delivered, Read, Failed, Uncertain int64
	Answered, WithinTarget, Overdue              int64
}

// baseline is what was there before the traffic; the report leaves it out.
type baseline struct {
	mark     Mark
	webhooks metasim.WebhookStats
	inbound  int64 // the number of the simulator's newest inbound message
}

func (r *run) baseline(ctx context.Context) (baseline, error) {
	mark, err := r.records.Mark(ctx)
	before := r.sim.Stats()
	return baseline{mark: mark, webhooks: before.Webhooks, inbound: before.Inbound.Written}, err
}

// collect gathers what happened after since.
func (r *run) collect(ctx context.Context, since baseline) (e evidence, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	e = evidence{
		accepted: r.journal.acceptances(), sends: r.sim.Sends(0), duplicates: r.sim.Duplicates(),
		webhooks: r.sim.Stats().Webhooks, webhooksBefore: since.webhooks,
	}
	ids := make([]int64, 0, len(e.accepted))
	for _, a := range e.accepted {
		ids = append(ids, a.job)
	}
	if e.unknownJobs, err = r.records.UnknownJobs(ctx, ids); err != nil {
		return e, fmt.Errorf("look for lost jobs: %w", err)
	}
	if e.unknownInbound, err = r.records.UnknownInbound(ctx, acknowledged(r.sim.Inbounds(since.inbound))); err != nil {
		return e, fmt.Errorf("look for lost messages: %w", err)
	}
	if e.jobs, err = r.records.JobFigures(ctx, since.mark); err != nil {
		return e, fmt.Errorf("read job figures: %w", err)
	}
	if e.inbox, err = r.records.InboxFigures(ctx, since.mark); err != nil {
		return e, fmt.Errorf("read inbox figures: %w", err)
	}
	return e, nil
}

// acknowledged returns the messages of which a webhook got 200: these must be
// stored.
func acknowledged(written []metasim.Inbound) []InboundKey {
	var keys []InboundKey
	for _, m := range written {
		if m.OKPosts > 0 {
			keys = append(keys, InboundKey{Kind: string(m.Kind), Account: m.Account, ProviderID: m.ProviderID})
		}
	}
	return keys
}
