package daemon

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// silence is how long a connection that has sent nothing yet is waited for when
// its door closes: a request that is on its way arrives within it.
const silence = time.Second

// visitors are the connections of one door.
type visitors struct {
	mu    sync.Mutex
	state map[net.Conn]http.ConnState
}

// note is the server's ConnState hook.
func (v *visitors) note(c net.Conn, s http.ConnState) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state == nil {
		v.state = map[net.Conn]http.ConnState{}
	}
	if s == http.StateClosed || s == http.StateHijacked {
		delete(v.state, c)
		return
	}
	v.state[c] = s
}

// wait returns once every request that has been sent is answered, or ctx ends.
// Nobody may come in meanwhile.
func (v *visitors) wait(ctx context.Context) {
	patience := time.NewTimer(silence)
	defer patience.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for silent := http.StateNew; v.any(silent, http.StateActive); {
		select {
		case <-look.C:
		case <-patience.C:
			silent = http.StateActive // the silent ones have had their second
		case <-ctx.Done():
			return
		}
	}
}

func (v *visitors) any(states ...http.ConnState) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.state {
		if slices.Contains(states, s) {
			return true
		}
	}
	return false
}
