package daemon

import (
	"context"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// What the watchdog of the service manager is fed by. Every loop here bounds
// each of its turns, so that an outage of a server outside makes turns fail and
// never makes them stop: only a fault of this process does that, and a restart
// helps.

// turns is a loop that ticks through what it calls, once it has begun.
type turns struct{ tick atomic.Pointer[func()] }

func (t *turns) begin(h *telemetry.Health, name string, most time.Duration) {
	tick := h.Loop(name, most)
	t.tick.Store(&tick)
}

func (t *turns) turn() {
	if tick := t.tick.Load(); tick != nil {
		(*tick)()
	}
}

// watched returns the tick of a loop that begins now.
func (d *Daemon) watched(name string) (tick func()) { return d.health.Loop(name, d.o.Stuck) }

// longestErrand bounds a turn of the loops that carry out operations, look at
// everything for alerts, and tell people of these: the deadlines of all their
// calls, one after the other.
const longestErrand = 20 * time.Second

// errand runs a loop that operators depend on, and watches it.
func (d *Daemon) errand(ctx context.Context, name string, run func(ctx context.Context, tick func())) {
	tick := d.health.Loop(name, longestErrand+d.o.Stuck)
	d.loop(ctx, name, func(ctx context.Context) { run(ctx, tick) })
}

// watchedSource ticks whenever the control watcher has got an answer, or none
// in time.
type watchedSource struct {
	control.Source
	turns *turns
}

func (s watchedSource) ControlVersion(ctx context.Context) (int64, error) {
	defer s.turns.turn()
	return s.Source.ControlVersion(ctx)
}

// watchBeats ticks with every heartbeat, successful or not.
func (d *Daemon) watchBeats() worker.Beater {
	b := watchedBeats{Beater: d.ledger, turns: &turns{}}
	b.turns.begin(d.health, "heartbeat", d.o.Stuck)
	return b
}

type watchedBeats struct {
	worker.Beater
	turns *turns
}

func (b watchedBeats) Beat(ctx context.Context, id int64) error {
	defer b.turns.turn()
	return b.Beater.Beat(ctx, id)
}

const doorEvery = 5 * time.Second

// watchDoor knocks at the public door: a process that accepts nothing any more
// is stuck, however well its loops turn. Only silence counts; an address that
// refuses at once is somebody's firewall.
func (d *Daemon) watchDoor(ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}, Timeout: doorEvery / 2}
	tick := d.health.Loop("public api", d.o.Stuck)
	d.loop(ctx, "door watch", func(ctx context.Context) {
		t := time.NewTicker(doorEvery)
		defer t.Stop()
		for {
			if knock(ctx, client, d.doors.public.url()+"/livez") {
				tick()
			}
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

func knock(ctx context.Context, client *http.Client, url string) (answered bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return true
	}
	answer, err := client.Do(r)
	if err != nil {
		return !os.IsTimeout(err)
	}
	_ = answer.Body.Close()
	return true
}
