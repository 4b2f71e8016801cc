package store

// Waiting are requests that come to one of the store's groups.
type Waiting struct {
	count func() int
	fly   func()
}

// Count says how many wait.
func (w Waiting) Count() int { return w.count() }

// Go lets them go, all in one transaction, and returns when it is over.
func (w Waiting) Go() { w.fly() }

// HoldSends keeps messages to accept waiting for each other.
func (s *Store) HoldSends() Waiting { return hold(s.sends) }

// HoldWebhooks does the same with webhooks.
func (s *Store) HoldWebhooks() Waiting { return hold(s.webhooks) }

func hold[T any](g *group[T]) Waiting {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flying += g.lanes
	return Waiting{
		count: func() int {
			g.mu.Lock()
			defer g.mu.Unlock()
			return len(g.waiting)
		},
		fly: func() {
			g.mu.Lock()
			g.flying -= g.lanes - 1
			g.mu.Unlock()
			g.fly()
		},
	}
}
