package dev

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// Report is what a run came to. Percentiles and compliance are null if there
// was nothing to measure.
type Report struct {
	Seconds        float64       `json:"seconds"`
	Lanes          LaneCounts    `json:"lanes"`
	Webhooks       WebhookCounts `json:"webhooks"`
	Messages       MessageCounts `json:"messages"`
	Jobs           JobCounts     `json:"jobs"`
	Lost           int64         `json:"lost"`
	DuplicateSends int64         `json:"duplicate_sends"`
	OutOfOrder     int64         `json:"out_of_order"`
	LatencyMS      Times         `json:"latency_ms"`
	SLA            SLACounts     `json:"sla"`
}

// LaneCounts count attempts by the lane that brought them.
type LaneCounts struct {
	Redis    int64 `json:"redis"`
	Postgres int64 `json:"postgres"`
}

// WebhookCounts count the simulator's POSTs: answered 200, answered otherwise.
type WebhookCounts struct {
	Received int64   `json:"received"`
	Rejected int64   `json:"rejected"`
	P50MS    float64 `json:"p50_ms"`
	P99MS    float64 `json:"p99_ms"`
}

// MessageCounts count messages stored (in), accepted by the API with 202
// (out_accepted), and how far the outbound ones came, cumulatively.
type MessageCounts struct {
	In          int64 `json:"in"`
	OutAccepted int64 `json:"out_accepted"`
	Sent        int64 `json:"sent"`
	Delivered   int64 `json:"delivered"`
	Read        int64 `json:"read"`
	Failed      int64 `json:"failed"`
	Uncertain   int64 `json:"uncertain"`
}

// JobCounts count jobs. Unfinished is scheduled, ready, dispatched, running and
// held.
type JobCounts struct {
	Created    int64 `json:"created"`
	Done       int64 `json:"done"`
	Dead       int64 `json:"dead"`
	Uncertain  int64 `json:"uncertain"`
	Cancelled  int64 `json:"cancelled"`
	Unfinished int64 `json:"unfinished"`
}

// Times are the three times of the work, in milliseconds.
type Times struct {
	Wait Spread `json:"wait"`
	Run  Spread `json:"run"`
	E2E  Spread `json:"e2e"`
}

// Spread is a distribution of n values; null at n = 0.
type Spread struct {
	N   int64    `json:"n"`
	P50 *float64 `json:"p50"`
	P95 *float64 `json:"p95"`
	P99 *float64 `json:"p99"`
}

// SLACounts count episodes: answered, in time, and due without an answer.
// Compliance is the share in time of those answered or overdue.
type SLACounts struct {
	Answered     int64    `json:"answered"`
	WithinTarget int64    `json:"within_target"`
	Overdue      int64    `json:"overdue"`
	Compliance   *float64 `json:"compliance"`
}

// evidence is everything a report is made of.
type evidence struct {
	lasted         time.Duration
	accepted       []acceptance
	sends          []metasim.Send
	duplicates     []metasim.Duplicate
	webhooks       metasim.WebhookStats
	webhooksBefore metasim.WebhookStats
	unknownJobs    []int64
	unknownInbound []InboundKey
	jobs           JobFigures
	inbox          InboxFigures
}

// report does the arithmetic.
func (e evidence) report() Report {
	return Report{
		Seconds: math.Round(e.lasted.Seconds()*10) / 10,
		Lanes:   e.jobs.Lanes,
		Webhooks: WebhookCounts{
			Received: e.webhooks.Received - e.webhooksBefore.Received,
			Rejected: e.webhooks.Rejected - e.webhooksBefore.Rejected,
			P50MS:    e.webhooks.P50MS, P99MS: e.webhooks.P99MS,
		},
		Messages: MessageCounts{
			In: e.inbox.In, OutAccepted: int64(len(e.accepted)), Sent: e.inbox.Sent, Delivered: e.inbox.Delivered,
			Read: e.inbox.Read, Failed: e.inbox.Failed, Uncertain: e.inbox.Uncertain,
		},
		Jobs:           e.jobs.Jobs,
		Lost:           int64(len(e.unknownJobs) + len(e.unknownInbound)),
		DuplicateSends: int64(len(e.duplicates)),
		OutOfOrder:     int64(outOfOrder(e.accepted, e.sends)),
		LatencyMS:      Times{e.jobs.Times.Wait.rounded(), e.jobs.Times.Run.rounded(), e.jobs.Times.E2E.rounded()},
		SLA: SLACounts{
			Answered: e.inbox.Answered, WithinTarget: e.inbox.WithinTarget, Overdue: e.inbox.Overdue,
			Compliance: share(e.inbox.WithinTarget, e.inbox.Answered+e.inbox.Overdue),
		},
	}
}

// sentence is the report for people.
func (r Report) sentence() string {
	return fmt.Sprintf("%d messages in; %d accepted to send: %d sent, %d failed, %d uncertain; %d lost, %d sent twice, %d out of order",
		r.Messages.In, r.Messages.OutAccepted, r.Messages.Sent, r.Messages.Failed, r.Messages.Uncertain,
		r.Lost, r.DuplicateSends, r.OutOfOrder)
}

// encode returns the report as one line of JSON.
func (r Report) encode() ([]byte, error) {
	line, err := json.Marshal(r)
	return append(line, '\n'), err
}

// share returns part of whole to four digits, null if there is no whole.
func share(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	s := math.Round(float64(part)/float64(whole)*1e4) / 1e4
	return &s
}

// rounded keeps microseconds.
func (s Spread) rounded() Spread {
	round := func(p *float64) *float64 {
		if p == nil || s.N == 0 {
			return nil
		}
		r := math.Round(*p*1000) / 1000
		return &r
	}
	return Spread{N: s.N, P50: round(s.P50), P95: round(s.P95), P99: round(s.P99)}
}
