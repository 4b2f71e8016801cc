package lane

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// restAfterFailure is how long a failed Redis is left alone.
const restAfterFailure = 3 * time.Second

// health remembers the last failure of the lane.
type health struct {
	failedAt *atomic.Int64 // unix nanoseconds; 0: fine
	up       prometheus.Gauge
}

func newHealth(reg prometheus.Registerer) health {
	h := health{
		failedAt: &atomic.Int64{},
		up:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "inboxd_redis_up", Help: "Whether the last call to Redis succeeded (1) or failed (0)."}),
	}
	h.up.Set(1)
	if reg != nil {
		reg.MustRegister(h.up)
	}
	return h
}

// note takes the outcome of a call. Our own cancellation says nothing.
func (h *health) note(err error) {
	switch {
	case err == nil:
		h.failedAt.Store(0)
		h.up.Set(1)
	case !errors.Is(err, context.Canceled):
		h.failedAt.Store(time.Now().UnixNano())
		h.up.Set(0)
	}
}

func (h *health) ok() bool {
	at := h.failedAt.Load()
	return at == 0 || time.Since(time.Unix(0, at)) > restAfterFailure
}
