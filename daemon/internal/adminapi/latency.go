package adminapi

import (
	"cmp"
	"context"
	"math"
	"net/url"
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

func latencyParams() []string {
	return []string{"by", "window", "org", "queue", "type", "metric", "limit"}
}

// listLatency has one item per group and metric.
func (h *handler) listLatency(ctx context.Context, c *call) (any, error) {
	q, metrics, err := readLatency(c.query)
	if err != nil {
		return nil, err
	}
	q.OrgID = c.caller.orgID
	name := c.query.Get("org")
	if name != "" {
		org, err := h.org(ctx, c.caller, name)
		if err != nil {
			return nil, err
		}
		q.OrgID = org.ID
	}
	found, err := h.Latency.Latency(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := list(h, "latency", []admin.LatencyItem(nil))
	answer.StaleMS = max(h.Now().Sub(found.AsOf).Milliseconds(), 0)
	for _, g := range found.Groups {
		for _, m := range metrics {
			item := wireLatency(q.By, g, m)
			item.SinceAt, item.WindowMS, item.Partial, item.Org = found.Since.UTC(), q.Window.Milliseconds(), found.Partial, word(cmp.Or(g.Org, name))
			answer.Items = append(answer.Items, item)
		}
	}
	return answer, nil
}

func readLatency(query url.Values) (q latency.Query, metrics []latency.Metric, err error) {
	by := cmp.Or(query.Get("by"), string(latency.ByType))
	if !slices.Contains(admin.LatencySplits(), by) {
		return q, nil, unknownWord(inbox.Invalid, "split", by, admin.LatencySplits())
	}
	q.By = latency.By(by)
	if q.Window, err = readWindow(query.Get("window")); err != nil {
		return q, nil, err
	}
	if word := query.Get("queue"); word != "" {
		if q.Queue, _ = job.ParseQueue(word); q.Queue == 0 {
			return q, nil, unknownWord(inbox.NotFound, "queue", word, queueWords())
		}
	}
	if word := query.Get("type"); word != "" {
		if q.Type, _ = job.ParseType(word); q.Type == 0 {
			return q, nil, unknownWord(inbox.Invalid, "type", word, admin.JobTypes())
		}
	}
	metrics = latency.Metrics()
	if word := query.Get("metric"); word != "" {
		m, ok := latency.ParseMetric(word)
		if !ok {
			return q, nil, unknownWord(inbox.Invalid, "metric", word, admin.LatencyMetrics())
		}
		metrics = []latency.Metric{m}
	}
	q.Limit, err = readLimit(query.Get("limit"))
	return q, metrics, err
}

func readWindow(word string) (time.Duration, error) {
	if word == "" {
		return latencyWindow, nil
	}
	if i := slices.Index(admin.LatencyWindows(), word); i >= 0 {
		return latency.Windows()[i], nil
	}
	return 0, unknownWord(inbox.Invalid, "window", word, admin.LatencyWindows())
}

func wireLatency(by latency.By, g latency.Group, m latency.Metric) admin.LatencyItem {
	name := map[latency.By]string{latency.ByType: g.Type.String(), latency.ByQueue: g.Queue.String(), latency.ByOrg: g.Org}[by]
	times := g.Times.Of(m)
	w := admin.LatencyItem{
		ID: name + "/" + m.String(), Name: name, By: string(by), Metric: m.String(), N: times.N(),
		P50MS: quantile(times, 0.5), P95MS: quantile(times, 0.95), P99MS: quantile(times, 0.99), Bars: []admin.Bar{},
	}
	for _, o := range times.Octaves() {
		w.Bars = append(w.Bars, admin.Bar{BelowMS: milliseconds(o.Below), N: o.N})
	}
	return w
}

// quantile is null only without samples.
func quantile(h *latency.Histogram, q float64) *float64 {
	d, ok := h.Quantile(q)
	if !ok {
		return nil
	}
	ms := milliseconds(d)
	return &ms
}

// milliseconds keeps microseconds.
func milliseconds(d time.Duration) float64 {
	return math.Round(d.Seconds()*1e6) / 1e3
}
