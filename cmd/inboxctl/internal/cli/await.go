package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/admin"
)

const (
	firstLook  = 50 * time.Millisecond
	nextLook   = time.Second      // at the latest
	lookWithin = 10 * time.Second // one answer
	// patience is how long a server may be silent before the watching, not the
	// operation, is given up.
	patience = time.Minute
	sayEvery = 5 * time.Second // without a terminal, with -v
)

// operations is what watching asks of the server.
type operations interface {
	Operation(ctx context.Context, id string) (admin.One[admin.Operation], error)
}

// interrupted is what Ctrl-C ends, with what somebody must know then: it exits
// 130.
type interrupted struct{ text string }

func (e *interrupted) Error() string { return "interrupted: " + e.text }

const nothingChanged = "nothing was changed"

// goesOn is what somebody must know who stops watching.
func goesOn(id string) string {
	return fmt.Sprintf("the operation goes on: inboxctl ops watch %s, or stop it: inboxctl ops abort %s", id, id)
}

// await follows an operation to its end and shows how far it is. Ctrl-C leaves
// the operation alone and returns interrupted; --timeout returns unfinished with
// the operation as it was last seen.
func (a *app) await(ctx context.Context, from operations, o admin.One[admin.Operation], name string, verbose bool) (admin.One[admin.Operation], error) {
	bar := a.newProgress(name, verbose)
	defer bar.clear()
	if a.flags.timeout > 0 {
		bound, cancel := context.WithTimeout(ctx, a.flags.timeout)
		defer cancel()
		return a.look(ctx, bound, from, o, bar)
	}
	return a.look(ctx, ctx, from, o, bar)
}

// look asks until the operation has ended; bound is ctx with the time of
// --timeout. A server that does not answer is asked again, for a while.
func (a *app) look(ctx, bound context.Context, from operations, o admin.One[admin.Operation], bar *progress) (admin.One[admin.Operation], error) {
	heard := time.Now()
	for wait := firstLook; !o.Item.Ended(); wait = min(wait*3/2, nextLook) {
		select {
		case <-bound.Done():
		case <-time.After(min(wait, max(bar.left(), wait/4))): // the end is seen when it comes
		}
		next, err := a.lookOnce(bound, from, o.Item.ID)
		switch {
		case ctx.Err() != nil:
			return o, &interrupted{goesOn(o.Item.ID)}
		case bound.Err() != nil:
			return o, &unfinished{fmt.Sprintf("not done within --timeout %s: %s", a.flags.timeout, goesOn(o.Item.ID))}
		case err == nil:
			o, heard = next, time.Now()
			bar.draw(o)
		case !mayPass(err) || time.Since(heard) > patience:
			return o, fmt.Errorf("%w; %s", err, goesOn(o.Item.ID))
		default:
			bar.silent(time.Since(heard))
		}
	}
	return o, nil
}

func (a *app) lookOnce(ctx context.Context, from operations, id string) (admin.One[admin.Operation], error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	return from.Operation(ctx, id)
}

func isUnfinished(err error) bool {
	_, ok := errors.AsType[*unfinished](err)
	return ok
}

// mayPass reports whether asking again can help.
func mayPass(err error) bool {
	switch admin.KindOf(err) {
	case admin.Unreachable, admin.Temporary, admin.Throttled, admin.Internal:
		return true
	default:
		return false
	}
}
