package worker

import (
	"context"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// trace goes on with the trace of what the job was made for: how long it waited
// to be chosen, how long it was on its way by the lane, and the run that begins
// now. A job that was made for nothing traced is not.
func (p *Pool) trace(ctx context.Context, c job.Claimed) (context.Context, trace.Span) {
	if c.Trace == "" {
		return ctx, trace.Span{}
	}
	ctx, span := p.o.Tracer.Begin(ctx, "job "+c.Type.String(), trace.Runner, c.Trace)
	if span.On() {
		span.Number("job", c.ID)
		span.Number("epoch", int64(c.Epoch))
		span.Number("attempt", int64(c.Attempt))
		span.Number("org_id", c.OrgID)
		span.Text("queue", c.Queue.String())
		span.Text("lane", c.Lane.String())
		trace.Past(ctx, "wait", c.ReadyAt, c.DispatchedAt)
		trace.Past(ctx, "lane "+c.Lane.String(), c.DispatchedAt, c.StartedAt)
	}
	return ctx, span
}

// commit records the outcome.
func (p *Pool) commit(ctx context.Context, c job.Claimed, r job.Result) (bool, error) {
	ctx, span := trace.Start(ctx, "commit", trace.Inside)
	defer span.End()
	return p.o.Recorder.Finish(ctx, c, r)
}

// endedAs says what the attempt came to.
func endedAs(span trace.Span, r job.Result, err error) {
	if !span.On() {
		return
	}
	if r.Class != "" {
		span.Text("error_class", string(r.Class))
	}
	switch {
	case err != nil:
		span.Fail("outcome not recorded")
	case r.Verdict != job.Succeed:
		span.Fail(string(r.Class))
	}
}
