package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// LatencyItem is one of the three times (Metric: wait, run or e2e) of one type,
// queue or org (By), over what ended from SinceAt on. WindowMS is the window
// that was asked for; SinceAt is a little earlier, at the beginning of a slot.
// Percentiles are off by 5 % at most and null only at N = 0. Partial means that
// N misses orgs the server found no room for.
type LatencyItem struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	By      string    `json:"by"`
	Metric  string    `json:"metric"`
	Org     *string   `json:"org"`
	N       int64     `json:"n"`
	P50MS   *float64  `json:"p50_ms"`
	P95MS   *float64  `json:"p95_ms"`
	P99MS   *float64  `json:"p99_ms"`
	Bars    []Bar     `json:"bars"`
	SinceAt time.Time `json:"since_at"`

	WindowMS int64 `json:"window_ms"`
	Partial  bool  `json:"partial"`
}

// Bar counts what took less than BelowMS, and not less than half of it (the
// first bar: all below 1.024 ms). Bars follow each other without a gap.
type Bar struct {
	BelowMS float64 `json:"below_ms"`
	N       int64   `json:"n"`
}

// LatencyQuery says what to show; empty fields are the server's choice: by
// type, 5m, all orgs, queues, types and metrics.
type LatencyQuery struct {
	By     string // type, org or queue
	Window string // 1m, 5m, 15m, 1h or 24h
	Org    string // name
	Queue  string
	Type   string
	Metric string // wait, run or e2e
	Limit  int    // most orgs, the busiest; 0: 50
}

func (q LatencyQuery) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{
		"by": q.By, "window": q.Window, "org": q.Org, "queue": q.Queue, "type": q.Type, "metric": q.Metric,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// LatencySplits lists what an answer may be split by.
func LatencySplits() []string { return []string{"type", "org", "queue"} }

// LatencyWindows lists how far back a question may reach.
func LatencyWindows() []string { return []string{"1m", "5m", "15m", "1h", "24h"} }

// LatencyMetrics lists the three times.
func LatencyMetrics() []string { return []string{"wait", "run", "e2e"} }

// Latency tells how long work takes.
func (c *Client) Latency(ctx context.Context, q LatencyQuery) (List[LatencyItem], error) {
	return call[List[LatencyItem]](ctx, c, http.MethodGet, LatencyPath, q.values(), nil)
}
