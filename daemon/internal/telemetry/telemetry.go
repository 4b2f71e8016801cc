// Package telemetry is how a process shows itself: its logger, its metrics
// registry, whether it is alive and ready, and its word to systemd. It owns the
// form; it refuses the content: packages count their own metrics, and checks
// come in as functions.
package telemetry

import (
	"io"
	"log/slog"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Logger writes lines of level and above to w: format "text" for people,
// anything else JSON. A *slog.LevelVar as level can be changed later.
func Logger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// Build says which program this is.
type Build struct {
	Version string // release, such as v0.1.0
	Commit  string
}

// Registry returns a new registry with metrics of the Go runtime, of the
// process, and inboxd_build_info. The default registry is never used, so a
// process may hold several.
func Registry(b Build) *prometheus.Registry {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "inboxd_build_info",
		Help: "Always 1; the labels say which program this is.",
	}, []string{"version", "commit", "go_version"})
	info.WithLabelValues(b.Version, b.Commit, runtime.Version()).Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		info,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}
