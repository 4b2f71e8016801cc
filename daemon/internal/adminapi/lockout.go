package adminapi

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/secret"
)

const (
	mostFailures = 5
	lockTime     = 15 * time.Minute
	mostCounted  = 10_000
)

// lockout counts failed logins per source and per token, in this process, and
// locks whoever has failed too often. Safe for concurrent use.
type lockout struct {
	now func() time.Time

	mu    sync.Mutex
	tries map[string]tries
}

type tries struct {
	failed int
	until  time.Time // then they are forgotten
}

func newLockout(now func() time.Time) *lockout {
	return &lockout{now: now, tries: map[string]tries{}}
}

// locked returns how long the lock on any of the keys still lasts; 0: there is
// none.
func (l *lockout) locked(keys []string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		if t := l.tries[key]; t.failed >= mostFailures {
			wait = max(wait, t.until.Sub(l.now()))
		}
	}
	return wait
}

// failed counts one failure of each key. Memory is bounded: when too many are
// counted, those go first that have failed least lately; locks stay.
func (l *lockout) failed(keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, key := range keys {
		t, known := l.tries[key]
		if !known && !l.makeRoom(now) {
			continue
		}
		if !now.Before(t.until) {
			t.failed = 0
		}
		l.tries[key] = tries{t.failed + 1, now.Add(lockTime)}
	}
}

func (l *lockout) makeRoom(now time.Time) bool {
	if len(l.tries) < mostCounted {
		return true
	}
	maps.DeleteFunc(l.tries, func(_ string, t tries) bool { return !now.Before(t.until) })
	if len(l.tries) >= mostCounted {
		maps.DeleteFunc(l.tries, func(_ string, t tries) bool { return t.failed < mostFailures })
	}
	return len(l.tries) < mostCounted
}

// passed forgets what the keys have failed.
func (l *lockout) passed(keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		delete(l.tries, key)
	}
}

// lockedError says that too many logins have failed.
type lockedError struct{ wait time.Duration }

func (e *lockedError) Error() string { return e.Unwrap().Error() }

func (e *lockedError) seconds() int { return int(math.Ceil(e.wait.Seconds())) }

// Unwrap returns what the caller is told.
func (e *lockedError) Unwrap() error {
	return inbox.Faultf(inbox.Throttled, "locked", "too many logins have failed from here or with this token: try again in %s", time.Duration(e.seconds())*time.Second)
}

// login checks a token, unless too many have failed. Only a token that proves
// nothing is a failure: who has an old one need not be kept from using the next.
func (h *handler) login(ctx context.Context, from, clear string) (Principal, error) {
	keys := []string{from}
	if t, err := secret.Parse(clear); err == nil {
		keys = append(keys, "token "+strconv.FormatInt(t.ID, 10))
	}
	if wait := h.logins.locked(keys); wait > 0 {
		h.metrics.loginFailures.WithLabelValues("locked").Inc()
		return Principal{}, &lockedError{wait}
	}
	p, err := h.Tokens.AuthenticateAdmin(ctx, clear)
	switch reason, failed := loginFailure(err); {
	case failed:
		h.metrics.loginFailures.WithLabelValues(reason).Inc()
		if reason == "unknown" {
			h.logins.failed(keys)
		}
		h.Logger.WarnContext(ctx, "admin login failed", "reason", reason, "from", from)
	case err == nil:
		h.logins.passed(keys)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("log in: %w", err)
	}
	return p, nil
}
