package ledger

import (
	"context"
	"fmt"
	"sync"
)

// gate knows which claims are under way, so that a process can say "no claim of
// mine that began before now can still hand anything out".
type gate struct {
	mu   sync.Mutex
	turn *sync.WaitGroup
	past <-chan struct{} // closed when all claims of earlier turns have ended
}

func newGate() *gate { return &gate{turn: &sync.WaitGroup{}} }

// enter counts a claim in; the caller calls what it returns when the claim has
// ended.
func (g *gate) enter() (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn.Add(1)
	return g.turn.Done
}

// ended is closed when every claim that is under way now has ended.
func (g *gate) ended() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	older, past := g.turn, g.past
	c := make(chan struct{})
	g.turn, g.past = &sync.WaitGroup{}, c
	go func() {
		older.Wait()
		if past != nil { // somebody stopped waiting for them: they may still be under way
			<-past
		}
		close(c)
	}()
	return c
}

// SettleClaims waits until every claim of this process that began before the
// call has ended: what it hands out afterwards has seen what was committed
// before.
func (l *Ledger) SettleClaims(ctx context.Context) error {
	select {
	case <-l.claims.ended():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for older claims: %w", ctx.Err())
	}
}
