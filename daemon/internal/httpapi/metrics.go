package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// otherLabel stands for what a client made up: an unknown route or method.
const otherLabel = "other"

// metrics counts and times the requests of this process.
type metrics struct {
	duration *prometheus.HistogramVec
	count    *prometheus.CounterVec
}

// endpoint is one route of the closed set that labels metrics.
type endpoint struct {
	method, path string
	status       int // of success
}

func newMetrics(reg prometheus.Registerer, endpoints []endpoint) (*metrics, error) {
	labels := []string{"endpoint", "method", "status"}
	m := &metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "api_request_duration_seconds",
			Help:    "Time from the first byte of a request to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, labels),
		count: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "api_request_count",
			Help: "Requests answered by the public API.",
		}, labels),
	}
	if err := register(reg, m.duration, m.count); err != nil {
		return nil, err
	}
	// Every route has its series from the first scrape, so that a rate over a
	// restart is right and a dashboard is never empty.
	for _, e := range endpoints {
		m.duration.WithLabelValues(e.path, e.method, strconv.Itoa(e.status))
		m.count.WithLabelValues(e.path, e.method, strconv.Itoa(e.status))
	}
	return m, nil
}

func (m *metrics) observe(ctx context.Context, path, method string, status int, took time.Duration) {
	method = knownMethod(method)
	telemetry.Observe(ctx, m.duration.WithLabelValues(path, method, strconv.Itoa(status)), took.Seconds())
	m.count.WithLabelValues(path, method, strconv.Itoa(status)).Inc()
}

// knownMethod keeps the label a closed set: the method is the client's word.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return otherLabel
}

// register registers all collectors and reports every one that is refused.
func register(reg prometheus.Registerer, collectors ...prometheus.Collector) error {
	var faults []error
	for _, c := range collectors {
		if err := reg.Register(c); err != nil {
			faults = append(faults, fmt.Errorf("register metric: %w", err))
		}
	}
	return errors.Join(faults...)
}
