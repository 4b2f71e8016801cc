package adminapi

import (
	"context"
	"errors"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// recheckEvery is between two looks whether the token of a call that takes long
// is still good: a revoked one must not watch, or change, for longer.
const recheckEvery = 4 * time.Second

// guard returns a context that ends soon after the caller's token has been revoked
// or has expired. stop must be called. That nobody can tell just now ends nothing.
func (h *handler) guard(ctx context.Context, who caller) (guarded context.Context, stop func()) {
	if who.clear == "" {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var look func()
	look = func() {
		asking, done := context.WithTimeout(ctx, recheckEvery)
		defer done()
		_, err := h.Tokens.AuthenticateAdmin(asking, who.clear)
		if inbox.KindOf(err) == inbox.Unauthorized {
			cancel(err)
			return
		}
		if ctx.Err() == nil {
			time.AfterFunc(h.Recheck, look)
		}
	}
	t := time.AfterFunc(h.Recheck, look)
	return ctx, func() { t.Stop(); cancel(context.Canceled) }
}

// unlessOut returns why the caller is no longer let in, if that is what has ended
// the call; else err.
func unlessOut(ctx context.Context, err error) error {
	if fault, ok := errors.AsType[*inbox.Fault](context.Cause(ctx)); ok && err != nil && fault.Kind == inbox.Unauthorized {
		return fault
	}
	return err
}
