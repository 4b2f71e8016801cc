package limit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Take asks for tokens of what may leave for the provider. Grants come in the
// order of wants, which is also the order in which they are served. After a
// loss of data a window is seeded from the ledger first.
func (l *Limiter) Take(ctx context.Context, wants []job.Want) []job.Grant {
	grants := make([]job.Grant, len(wants))
	for i, a := range l.take(ctx, wants) {
		grants[i] = grantOf(a)
		l.metrics.count(a)
	}
	return grants
}

// Look says when Take would grant one token, and takes none. In a process that
// hands nothing out it answers for all of them, unless Redis is away: then each
// has a share of its own.
func (l *Limiter) Look(ctx context.Context, w job.Want) job.Grant {
	w.N = 0
	return grantOf(l.take(ctx, []job.Want{w})[0])
}

// take returns an answer per want, as far as there is one: granted is -1 where
// nobody knows.
func (l *Limiter) take(ctx context.Context, wants []job.Want) []answer {
	checks := make([]*check, len(wants))
	for i, w := range wants {
		checks[i] = &check{
			window: window{useOut, w.OrgID, w.Action}, length: w.Rate.Window, cap: max(0, min(w.Most, w.Rate.N)), want: w.N,
		}
	}
	if !l.local.away.Load() && l.note(l.ask(ctx, checks)) {
		l.seedAndAsk(ctx, unseeded(checks))
	}
	var missing []*check
	for _, c := range checks {
		if !c.answer.answered {
			missing = append(missing, c)
		}
	}
	l.takeLocally(ctx, missing)
	answers := make([]answer, len(checks))
	for i, c := range checks {
		switch answers[i] = c.answer; {
		case !c.answer.answered: // Redis has come back in this very moment: ask it
			answers[i].wait = time.Millisecond.Microseconds()
		case c.answer.granted < 0: // the ledger did not answer, or the data was lost once more
			answers[i].granted, answers[i].wait = 0, seedAgain.Microseconds()
		}
	}
	return answers
}

func grantOf(a answer) job.Grant {
	return job.Grant{N: a.granted, Stamp: a.stamp, RetryAfter: micros(a.wait)}
}

func unseeded(checks []*check) []*check {
	return slices.DeleteFunc(slices.Clone(checks), func(c *check) bool { return !c.answer.answered || c.answer.granted >= 0 })
}

// seedAndAsk fills windows with what the ledger knows and puts the checks
// again.
func (l *Limiter) seedAndAsk(ctx context.Context, checks []*check) {
	if len(checks) == 0 {
		return
	}
	starts, err := l.starts(ctx, checks)
	if err != nil {
		l.o.Logger.WarnContext(ctx, "limits wait for the ledger", "windows", len(checks), "error", err)
		return
	}
	if l.note(l.seed(ctx, starts)) {
		l.note(l.ask(ctx, checks))
	}
}

// starts asks the ledger, once per window and length.
func (l *Limiter) starts(ctx context.Context, checks []*check) (map[job.Span][]time.Time, error) {
	starts := map[job.Span][]time.Time{}
	spans := make([]job.Span, 0, len(checks))
	for _, c := range checks {
		s := c.span()
		if _, ok := starts[s]; !ok {
			starts[s] = nil
			spans = append(spans, s)
		}
	}
	if l.o.Seeder == nil {
		return starts, nil
	}
	ctx, cancel := context.WithTimeout(ctx, seedTimeout)
	defer cancel()
	known, err := l.o.Seeder.Starts(ctx, spans)
	if err != nil {
		return nil, fmt.Errorf("seed limits: %w", err)
	}
	maps.Copy(starts, known)
	return starts, nil
}

func (l *Limiter) seed(ctx context.Context, starts map[job.Span][]time.Time) error {
	return l.pipelined(ctx, l.scripts.seed, func(run func(keys []string, args ...any)) {
		for s, times := range starts {
			ring, book := window{useOut, s.OrgID, s.Action}.keys()
			args := make([]any, 0, 3+len(times))
			args = append(args, l.testNow, longest.Microseconds(), s.Window.Microseconds())
			for _, us := range slices.Backward(stamps(times)) {
				args = append(args, us)
			}
			run([]string{birthKey, ring, book}, args...)
		}
	})
}

// stamps returns times in microseconds, oldest first.
func stamps(times []time.Time) []int64 {
	us := make([]int64, len(times))
	for i, t := range times {
		us[i] = t.UnixMicro()
	}
	slices.Sort(us)
	return us
}

// pipelined runs one script many times in one round trip. It is for what is
// rarely done, so that the script's text may travel along.
func (l *Limiter) pipelined(ctx context.Context, s script, each func(run func(keys []string, args ...any))) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*l.o.patience)
	defer cancel()
	p := l.client.Pipeline()
	p.ScriptLoad(ctx, s.text)
	each(func(keys []string, args ...any) { s.EvalSha(ctx, p, keys, args...) })
	if _, err := p.Exec(ctx); err != nil {
		return fmt.Errorf("tell Redis of tokens: %w", err)
	}
	return nil
}

// takeLocally answers checks from this process's own windows.
func (l *Limiter) takeLocally(ctx context.Context, checks []*check) {
	if len(checks) == 0 {
		return
	}
	if fresh := l.local.unseeded(checks); len(fresh) > 0 {
		starts, err := l.starts(ctx, fresh)
		if err != nil {
			l.o.Logger.WarnContext(ctx, "limits wait for the ledger", "windows", len(fresh), "error", err)
			for _, c := range fresh {
				c.answer = answer{granted: -1, answered: true, local: true}
			}
		} else {
			l.local.seed(starts)
		}
	}
	for _, c := range checks {
		if !c.answer.answered {
			l.local.answer(c, false)
		}
	}
}

// returned is n tokens of a stamp that were not used.
type returned struct {
	window

	stamp int64
	n     int
}

// Return gives unused tokens back: unused[i] of grants[i]. It does so by their
// stamp or not at all; lost ones only make the window stricter.
func (l *Limiter) Return(ctx context.Context, wants []job.Want, grants []job.Grant, unused []int) {
	var back []returned
	for i, n := range unused {
		if n = min(n, grants[i].N); n > 0 {
			back = append(back, returned{window{useOut, wants[i].OrgID, wants[i].Action}, grants[i].Stamp, n})
		}
	}
	l.giveBack(ctx, back)
}

func (l *Limiter) giveBack(ctx context.Context, back []returned) {
	var keys []string
	var args []any
	for _, r := range back {
		if r.stamp < 0 {
			l.local.giveBack(r)
			continue
		}
		ring, book := r.keys()
		keys, args = append(keys, ring, book), append(args, r.stamp, r.n)
	}
	if len(keys) == 0 || l.local.away.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.patience)
	defer cancel()
	l.note(l.scripts.giveBack.Run(ctx, l.client, keys, args...).Err())
}
