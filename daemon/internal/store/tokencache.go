package store

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	tokenTTL      = 2 * time.Second
	mostTokens    = 10_000
	tokenDeadline = 5 * time.Second
)

// tokenCache remembers for a moment who tokens speak for. Tokens asked for at
// the same time are looked up once. Faults are not remembered.
type tokenCache struct {
	now    func() time.Time
	flight singleflight.Group

	mu    sync.Mutex
	known map[string]knownToken
}

type knownToken struct {
	principal inbox.Principal
	until     time.Time
}

func newTokenCache(now func() time.Time) *tokenCache {
	return &tokenCache{now: now, known: map[string]knownToken{}}
}

func (c *tokenCache) get(ctx context.Context, digest string, lookUp func(context.Context, string) (inbox.Principal, error)) (inbox.Principal, error) {
	if p, ok := c.find(digest); ok {
		return p, nil
	}
	// The look-up serves everyone who waits: it may not end with the request
	// that happened to come first.
	found := c.flight.DoChan(digest, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenDeadline)
		defer cancel()
		p, err := lookUp(ctx, digest)
		if err == nil {
			c.keep(digest, p)
		}
		return p, err
	})
	select {
	case <-ctx.Done():
		return inbox.Principal{}, ctx.Err()
	case r := <-found:
		p, _ := r.Val.(inbox.Principal)
		return p, r.Err
	}
}

func (c *tokenCache) find(digest string) (inbox.Principal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[digest]
	return k.principal, ok && c.now().Before(k.until)
}

// keep drops what is stale when the cache is full, and everything if that is
// not enough: it fills again within a second.
func (c *tokenCache) keep(digest string, p inbox.Principal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if len(c.known) >= mostTokens {
		for d, k := range c.known {
			if !now.Before(k.until) {
				delete(c.known, d)
			}
		}
		if len(c.known) >= mostTokens {
			clear(c.known)
		}
	}
	c.known[digest] = knownToken{p, now.Add(tokenTTL)}
}
