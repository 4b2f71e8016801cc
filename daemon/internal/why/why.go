// Package why tells an operator why a job is where it is: everything that holds
// it now, in the order in which dispatch would meet it, each with who, since when
// and until when, and the command that removes it. It owns the explanation; it
// refuses to decide anything: the rules are dispatch's and the ledger's, and a
// test holds the three together (daemon/why_test.go).
package why

import (
	"context"
	"errors"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// Ledger knows what is around a job.
type Ledger interface {
	Situation(ctx context.Context, orgID, id int64) (inspect.Situation, error)
}

// Limits says what would be let out now, and counts nothing.
type Limits interface {
	Look(ctx context.Context, w job.Want) job.Grant
	Passable(ctx context.Context, p job.Passage) job.Clearance
}

// Options are what an Explainer needs. Ledger and Control are required.
type Options struct {
	Ledger  Ledger
	Limits  Limits // nil: nothing is limited
	Control func() *control.Snapshot
	Dial    func(job.Queue) int // percent by Redis; nil: none
}

// Explainer is safe for concurrent use.
type Explainer struct{ o Options }

// New checks the options and returns an Explainer.
func New(o Options) (*Explainer, error) {
	if o.Ledger == nil || o.Control == nil {
		return nil, errors.New("why: Ledger and Control are required")
	}
	return &Explainer{o}, nil
}

// Codes lists every code a cause can have.
func Codes() []string {
	return []string{
		"held", "backoff", "scheduled", "cancel_requested", "no_worker", "org_hold", "queue_hold", "type_hold",
		"provider_cooldown", "app_cooldown", "waba_cooldown", "channel_cooldown", "channel_paused", "token_dead", "channel_restricted",
		"conversation", "limit", "concurrency", "slots", "org_share", "number_pacing", "pair_pacing",
		"deadline", "channel_broken", "template_restricted", "window_closed", "turn", "lane",
		"handed_out", "running", "uncertain", "dead", "done", "cancelled", "discarded",
	}
}

// view is one situation, explained cause by cause.
type view struct {
	inspect.Situation
	bound   bool // told to somebody of its org, who must not learn of others or of processes
	o       Options
	control *control.Snapshot
	causes  []inspect.Cause
}

// Why explains a job, or returns a NotFound fault. orgID 0 means any org; else it
// says nothing of other orgs, nor of the processes of all of them. A ready
// job without a cause that holds it can start: what it waits for is its turn.
func (e *Explainer) Why(ctx context.Context, orgID, id int64) (inspect.Why, error) {
	s, err := e.o.Ledger.Situation(ctx, orgID, id)
	if err != nil {
		return inspect.Why{}, err
	}
	v := &view{Situation: s, bound: orgID != 0, o: e.o, control: e.o.Control()}
	if s.Outcome != 0 {
		v.finished()
		return inspect.Why{Job: s.Job, Causes: v.causes}, nil
	}
	switch s.State {
	case job.Dispatched:
		v.dispatched()
	case job.Running:
		v.running()
	case job.Uncertain:
		v.uncertain()
	case job.Dead:
		v.dead()
	case job.Scheduled, job.Ready, job.Held:
		v.waiting(ctx)
	}
	return inspect.Why{Job: s.Job, Causes: v.causes}, nil
}

// waiting looks at everything between a job and its start, in the order of
// dispatch. What would make it fail, and what only informs, comes last.
func (v *view) waiting(ctx context.Context) {
	v.itself()
	v.processes()
	v.holds()
	v.rests()
	v.channel()
	v.order()
	v.limit(ctx)
	v.shares()
	v.pacing(ctx)
	v.failures()
	v.turn()
	v.lane()
}

func (v *view) add(c inspect.Cause) { v.causes = append(v.causes, c) }

// hold adds something that holds the job.
func (v *view) hold(c inspect.Cause) {
	c.Holds = true
	v.add(c)
}

// held reports whether anything found so far holds the job.
func (v *view) held() bool {
	for _, c := range v.causes {
		if c.Holds {
			return true
		}
	}
	return false
}

func in(now time.Time, d time.Duration) *time.Time {
	t := now.Add(d)
	return &t
}
