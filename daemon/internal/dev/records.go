package dev

import "context"

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
