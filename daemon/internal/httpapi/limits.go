package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Limiter counts what orgs ask for. It always answers, and soon: with whatever
// it must count by while its server is away.
type Limiter interface {
	// Allow takes a token, Peek only looks.
	Allow(ctx context.Context, orgID int64, a job.Action, r job.Rate) Verdict
	Peek(ctx context.Context, orgID int64, a job.Action, r job.Rate) Verdict
	// Refund gives the token of a verdict back.
	Refund(ctx context.Context, orgID int64, a job.Action, v Verdict)
}

// Verdict answers whether an org may do something now.
type Verdict struct {
	OK         bool
	Limit      int
	Remaining  int           // tokens left
	RetryAfter time.Duration // not OK: exactly when it would be
	Reset      time.Duration // until one more token comes back; zero: none is out
	Local      bool          // counted by this process alone
	Stamp      int64         // of the token
}

// Repeats knows which writes have been done under an idempotency key.
type Repeats interface {
	Repeated(ctx context.Context, orgID int64, once inbox.Once) (bool, error)
}

// limitedOutput is an answer with a JSON body, and what is left of the limit.
type limitedOutput[T any] struct {
	Policy string `header:"RateLimit-Policy" doc:"The limit: q requests in any w seconds."`   //nolint:tagliatelle // the draft's name
	State  string `header:"RateLimit" doc:"What is left: r requests for the next t seconds."` //nolint:tagliatelle // the draft's name
	Body   T
}

// limited runs a write that counts against a limit of the org. The order is
// such that a token is used up by what is done, and by nothing else:
//
//  1. A write that was done under its idempotency key already is answered again
//     without a token, also by an org that has none left. Only requests with a
//     key pay for that look-up.
//  2. Whoever is over the limit is refused before the store is asked, so that a
//     flood costs no transaction.
//  3. What the store refuses (no such conversation, a closed window, a key in
//     flight) gives its token back. If nobody knows whether it was done, the
//     token stays used.
//
// The token is not taken inside the store's transaction: that holds the
// conversation's row, and Redis may be slow.
func limited[T any](ctx context.Context, a *api, action job.Action, write func() (T, error)) (*limitedOutput[T], error) {
	who := identityOf(ctx)
	if err := a.known(ctx); err != nil {
		return nil, err
	}
	rate := a.Limits().Rate(who.principal.OrgID, action, a.Now())
	ask := a.Limiter.Allow
	again, err := a.repeated(ctx, who)
	switch {
	case err != nil:
		return nil, err
	case again:
		ask = a.Limiter.Peek
	}
	verdict := ask(ctx, who.principal.OrgID, action, rate)
	if !verdict.OK && !again {
		a.limitHits.count(who.principal.OrgName, action)
		return nil, overLimit(action, rate, verdict)
	}
	body, err := write()
	if err != nil {
		if !again && undone(err) {
			a.Limiter.Refund(ctx, who.principal.OrgID, action, verdict)
			verdict.Remaining++
		}
		fault := a.problemOf(ctx, err)
		rateHeaders(fault.headers, action, rate, verdict)
		return nil, fault
	}
	return &limitedOutput[T]{Policy: ratePolicy(action, rate), State: rateState(action, verdict), Body: body}, nil
}

// knownWait is how long a request waits for a process that has only just begun.
const knownWait = 5 * time.Second

// known waits until the limits are those that operators have set: by the usual
// ones an org with more would be refused, and one with less would get too much.
func (a *api) known(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, knownWait)
	defer cancel()
	if a.Known(ctx) != nil {
		return a.problemOf(ctx, inbox.Faultf(inbox.Temporary, "starting", "this process has only just started: try again"))
	}
	return nil
}

func (a *api) repeated(ctx context.Context, who identity) (bool, error) {
	if who.once.Key == "" {
		return false, nil
	}
	return a.Repeats.Repeated(ctx, who.principal.OrgID, who.once)
}

// undone reports whether err says for certain that nothing was done.
func undone(err error) bool {
	switch inbox.KindOf(err) {
	case inbox.Invalid, inbox.Unauthorized, inbox.Forbidden, inbox.NotFound, inbox.Conflict, inbox.Unprocessable, inbox.Throttled:
		return true
	case inbox.Internal, inbox.Temporary:
	}
	return false
}

// overLimit is the 429: exact for programs, rounded up for headers.
func overLimit(action job.Action, rate job.Rate, v Verdict) *problemError {
	detail := fmt.Sprintf("the org's limit is %d %s in any %s: try again in %s", rate.N, action, rate.Window, v.RetryAfter.Round(time.Millisecond))
	if rate.N == 0 {
		detail = fmt.Sprintf("the org's limit for %s is 0: nothing is accepted until an operator raises it", action)
	}
	fault := newProblem(http.StatusTooManyRequests, "rate_limited", detail)
	wait := int64(roundUp(v.RetryAfter, time.Millisecond))
	fault.problem.Action, fault.problem.Limit, fault.problem.RetryAfterMS = string(action), &rate.N, &wait
	fault.headers.Set("Retry-After", strconv.Itoa(max(1, roundUp(v.RetryAfter, time.Second))))
	rateHeaders(fault.headers, action, rate, v)
	return fault
}

func rateHeaders(h http.Header, action job.Action, rate job.Rate, v Verdict) {
	h.Set("RateLimit-Policy", ratePolicy(action, rate))
	h.Set("RateLimit", rateState(action, v))
}

// ratePolicy and rateState are the fields of draft-ietf-httpapi-ratelimit-headers.
func ratePolicy(action job.Action, rate job.Rate) string {
	return fmt.Sprintf("%q;q=%d;w=%d", action, rate.N, roundUp(rate.Window, time.Second))
}

func rateState(action job.Action, v Verdict) string {
	return fmt.Sprintf("%q;r=%d;t=%d", action, v.Remaining, roundUp(max(v.Reset, v.RetryAfter), time.Second))
}

// roundUp returns how many units cover d: whoever waits that long waits enough.
func roundUp(d, unit time.Duration) int { return int((d + unit - 1) / unit) }

func (a *api) registerLimits() {
	operate(a, huma.Operation{
		OperationID: "list-limits", Method: http.MethodGet, Path: "/v1/limits", Tags: []string{"Limits"},
		Summary: "Read the org's limits", Description: "What the API accepts, and how much of it is left. Reading takes nothing.",
	}, a.listLimits)
}

// limitList is the limits of an org.
type limitList struct {
	Items []limit `json:"items" nullable:"false"`
}

// limit is one of them on the wire.
type limit struct {
	Action    string     `json:"action" enum:"send_text,send_template,retry,assign"`
	Limit     int        `json:"limit" doc:"How many in any window; 0 forbids it."`
	WindowMS  int64      `json:"window_ms"`
	Remaining int        `json:"remaining" doc:"How many more would be accepted now."`
	ExpiresAt *time.Time `json:"expires_at" doc:"When this value ends and the lasting one holds again; null if it lasts."`
}

func (a *api) listLimits(ctx context.Context, _ *struct{}) (*output[limitList], error) {
	if err := a.known(ctx); err != nil {
		return nil, err
	}
	org, set, now := identityOf(ctx).principal.OrgID, a.Limits(), a.Now()
	list := limitList{Items: []limit{}}
	for _, action := range job.Actions() {
		rate := set.Rate(org, action, now)
		item := limit{
			Action: string(action), Limit: rate.N, WindowMS: rate.Window.Milliseconds(),
			Remaining: a.Limiter.Peek(ctx, org, action, rate).Remaining,
		}
		if l, ok := set.Limit(org, string(action), now); ok {
			item.ExpiresAt = timeOrNull(l.ExpiresAt)
		}
		list.Items = append(list.Items, item)
	}
	return answer(list), nil
}
