package telemetry

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	scrapes       = 2 // at once
	scrapeTimeout = 5 * time.Second
)

// Handler serves /livez, /readyz and /metrics for operators: with the text of
// what is wrong. exemplars says that there are some.
func Handler(h *Health, registry *prometheus.Registry, exemplars bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /livez", probe(func(*http.Request) Report { return h.Live() }))
	mux.Handle("GET /readyz", probe(func(r *http.Request) Report { return h.Ready(r.Context()) }))
	mux.Handle("GET /metrics", exposed(registry, exemplars))
	return mux
}

// Probes serves /livez and /readyz for the public: which part is not well, but
// not why, since errors name hosts.
func Probes(h *Health) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /livez", probe(func(*http.Request) Report { return brief(h.Live()) }))
	mux.Handle("GET /readyz", probe(func(r *http.Request) Report { return brief(h.Ready(r.Context())) }))
	return mux
}

func brief(r Report) Report {
	for i := range r.Parts {
		r.Parts[i].Error = ""
	}
	return r
}

// probe answers 200 or 503 with the report as JSON.
func probe(report func(*http.Request) Report) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := report(r)
		body, err := json.Marshal(answer)
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !answer.OK {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write(append(body, '\n')) // Whoever asked is gone: nobody to tell.
	})
}
