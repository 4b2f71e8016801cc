package lane

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// BreakerOptions are when the lane is given up and how it comes back; zero
// fields take the defaults.
type BreakerOptions struct {
	Failures int              // in a row that open it; 3
	Slow     time.Duration    // a P99 above this over a Window, by as many answers at least, opens it; 250 ms
	Window   time.Duration    // 2 s
	Rest     time.Duration    // how long Redis must answer before the lane is used again; 10 s
	Step     time.Duration    // how long each step of the way back lasts; 5 s
	Now      func() time.Time // time.Now
}

// ramp is the way back, in percent of the dial.
func ramp() []int { return []int{10, 50, 100} }

// fewest is the smallest number of calls a P99 is taken of.
const fewest = 20

// breaker decides, for this process alone, how much of the dial Redis may have:
// wrong decisions cost a detour, so processes need not agree.
type breaker struct {
	o     BreakerOptions
	log   *slog.Logger
	state *prometheus.GaugeVec
	up    prometheus.Gauge

	mu      sync.Mutex
	open    bool
	failed  int       // in a row
	healthy time.Time // since when Redis answers, while open
	closed  time.Time // when the way back began
	window  time.Time // begin of the current window
	latency []time.Duration
}

func newBreaker(o BreakerOptions, log *slog.Logger, reg prometheus.Registerer) *breaker {
	o.Failures, o.Slow, o.Window = cmp.Or(o.Failures, 3), cmp.Or(o.Slow, 250*time.Millisecond), cmp.Or(o.Window, 2*time.Second)
	o.Rest, o.Step = cmp.Or(o.Rest, 10*time.Second), cmp.Or(o.Step, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &breaker{
		o: o, log: log,
		up: prometheus.NewGauge(prometheus.GaugeOpts{Name: "inboxd_redis_up", Help: "Whether the redis lane is in use (1) or its breaker is open (0)."}),
		state: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inboxd_breaker_state", Help: "The redis lane's breaker: 1 for the state it is in (closed, open, ramping).",
		}, []string{"state"}),
	}
	b.tell("closed")
	if reg != nil {
		reg.MustRegister(b.up, b.state)
	}
	return b
}

// note takes the outcome of a call. Our own cancellation says nothing.
func (b *breaker) note(err error, took time.Duration) {
	if errors.Is(err, context.Canceled) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.o.Now()
	if err != nil {
		b.failed++
		b.healthy = time.Time{}
		if b.failed >= b.o.Failures {
			b.trip(err)
		}
		return
	}
	b.failed = 0
	if b.healthy.IsZero() {
		b.healthy = now
	}
	b.slowness(now, took)
	b.advance(now) // also where nobody asks for a share: an api only looks whether Redis answers
}

// slowness opens the breaker over a window of slow answers: one stall of a busy
// machine is as little an outage as one failure is.
func (b *breaker) slowness(now time.Time, took time.Duration) {
	if now.Sub(b.window) > b.o.Window {
		if n := len(b.latency); n >= fewest {
			slices.Sort(b.latency)
			if p99 := b.latency[min(n*99/100, n-b.o.Failures)]; p99 > b.o.Slow {
				b.trip(errors.New("redis is slow: P99 " + p99.String()))
				b.healthy = time.Time{}
			}
		}
		b.window, b.latency = now, b.latency[:0]
	}
	b.latency = append(b.latency, took)
}

func (b *breaker) trip(err error) {
	if !b.open {
		b.log.Warn("the breaker of the redis lane is open; jobs travel by postgres meanwhile", "error", err)
	}
	b.open = true
	b.tell("open")
}

// share is the percent of the dial that may be used now.
func (b *breaker) share() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.advance(b.o.Now())
}

// advance goes on with the way back as far as its time has come, and returns the
// share.
func (b *breaker) advance(now time.Time) int {
	if b.open {
		if b.healthy.IsZero() || now.Sub(b.healthy) < b.o.Rest {
			return 0
		}
		b.open, b.closed = false, now
		b.log.Info("redis answers again; its share of the jobs comes back step by step")
	}
	if b.closed.IsZero() {
		return 100
	}
	step := int(now.Sub(b.closed) / b.o.Step)
	if step >= len(ramp())-1 {
		b.closed = time.Time{}
		b.tell("closed")
		return 100
	}
	b.tell("ramping")
	return ramp()[step]
}

func (b *breaker) tell(state string) {
	for _, s := range []string{"closed", "open", "ramping"} {
		b.state.WithLabelValues(s).Set(0)
	}
	b.state.WithLabelValues(state).Set(1)
	up := 1.0
	if state == "open" {
		up = 0
	}
	b.up.Set(up)
}

// isOpen reports whether the lane is given up at the moment.
func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}
