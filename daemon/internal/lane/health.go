package lane

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// restAfterFailure is how long a failed Redis is left alone.
const restAfterFailure = 3 * time.Second

// health remembers the last failure of the lane, and tells of the turns.
type health struct {
	log      *slog.Logger
	failedAt atomic.Int64 // unix nanoseconds; 0: fine
	up       prometheus.Gauge
}

func newHealth(log *slog.Logger, reg prometheus.Registerer) *health {
	h := &health{
		log: log,
		up:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "inboxd_redis_up", Help: "Whether the last call to Redis succeeded (1) or failed (0)."}),
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
		if h.failedAt.Swap(0) != 0 {
			h.up.Set(1)
			h.log.Info("redis answers again")
		}
	case !errors.Is(err, context.Canceled):
		if h.failedAt.Swap(time.Now().UnixNano()) == 0 {
			h.up.Set(0)
			h.log.Warn("redis does not answer; jobs travel by postgres meanwhile", "error", err)
		}
	}
}

func (h *health) ok() bool {
	at := h.failedAt.Load()
	return at == 0 || time.Since(time.Unix(0, at)) > restAfterFailure
}
