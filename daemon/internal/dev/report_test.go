package dev

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// TestReportSums checks every figure once: whoever reads "lost 0" relies on
// both of its parts.
func TestReportSums(t *testing.T) {
	t.Parallel()
	e := evidence{
		lasted: 20_040 * time.Millisecond,
		accepted: []acceptance{
			{job: 1, conversation: "7", answered: time.Unix(2, 0), asked: time.Unix(1, 0)},
			{job: 2, conversation: "7", answered: time.Unix(4, 0), asked: time.Unix(3, 0)},
		},
		sends:          []metasim.Send{{Job: "2"}, {Job: "1"}},
		duplicates:     []metasim.Duplicate{{Job: "2", Accepted: 2}},
		webhooks:       metasim.WebhookStats{Received: 30, Rejected: 5, P50MS: 1.5, P99MS: 9},
		webhooksBefore: metasim.WebhookStats{Received: 10, Rejected: 2},
		unknownJobs:    []int64{9},
		unknownInbound: []InboundKey{{}, {}},
		jobs: JobFigures{
			Jobs: JobCounts{Created: 4, Done: 1, Dead: 1, Uncertain: 1, Unfinished: 1}, Lanes: LaneCounts{Redis: 3, Postgres: 2},
			Times: Times{Wait: Spread{N: 2, P50: new(1.23456), P95: new(2.0), P99: new(3.0)}},
		},
		inbox: InboxFigures{In: 6, Sent: 5, Delivered: 4, Read: 3, Failed: 2, Uncertain: 1, Answered: 3, WithinTarget: 2, Overdue: 1},
	}
	want := Report{
		Seconds: 20, Lanes: LaneCounts{3, 2}, Webhooks: WebhookCounts{20, 3, 1.5, 9},
		Messages: MessageCounts{In: 6, OutAccepted: 2, Sent: 5, Delivered: 4, Read: 3, Failed: 2, Uncertain: 1},
		Jobs:     JobCounts{Created: 4, Done: 1, Dead: 1, Uncertain: 1, Unfinished: 1},
		Lost:     3, DuplicateSends: 1, OutOfOrder: 1,
		LatencyMS: Times{Wait: Spread{N: 2, P50: new(1.235), P95: new(2.0), P99: new(3.0)}},
		SLA:       SLACounts{Answered: 3, WithinTarget: 2, Overdue: 1, Compliance: new(0.5)},
	}
	require.Empty(t, cmp.Diff(want, e.report()))
}

// TestReportShape pins the JSON that scripts read.
func TestReportShape(t *testing.T) {
	t.Parallel()
	line, err := evidence{lasted: 20 * time.Second}.report().encode()
	require.NoError(t, err)
	require.JSONEq(t, `{"seconds":20.0,"lanes":{"redis":0,"postgres":0},
 "webhooks":{"received":0,"rejected":0,"p50_ms":0,"p99_ms":0},
 "messages":{"in":0,"out_accepted":0,"sent":0,"delivered":0,"read":0,"failed":0,"uncertain":0},
 "jobs":{"created":0,"done":0,"dead":0,"uncertain":0,"cancelled":0,"unfinished":0},
 "lost":0,"duplicate_sends":0,"out_of_order":0,
 "latency_ms":{"wait":{"n":0,"p50":null,"p95":null,"p99":null},"run":{"n":0,"p50":null,"p95":null,"p99":null},
   "e2e":{"n":0,"p50":null,"p95":null,"p99":null}},
 "sla":{"answered":0,"within_target":0,"overdue":0,"compliance":null}}`, string(line))
	require.Equal(t, byte('\n'), line[len(line)-1])
	var back Report
	require.NoError(t, json.Unmarshal(line, &back))
}

func TestAcknowledgedIsWhatGotA200(t *testing.T) {
	t.Parallel()
	keys := acknowledged([]metasim.Inbound{
		{ProviderID: "a", Account: "1", Kind: metasim.WhatsApp, Posts: 2, OKPosts: 1}, {ProviderID: "b", Posts: 3},
	})
	require.Equal(t, []InboundKey{{Kind: "whatsapp", Account: "1", ProviderID: "a"}}, keys)
}

func TestJournalCountsReplaysOnce(t *testing.T) {
	t.Parallel()
	j := newJournal(true)
	j.accept(acceptance{job: 1, conversation: "first"})
	j.accept(acceptance{job: 1, conversation: "replay"})
	j.accept(acceptance{job: 2})
	require.Len(t, j.acceptances(), 2)
	require.Equal(t, "first", j.acceptances()[0].conversation)
	forgetful := newJournal(false)
	forgetful.accept(acceptance{job: 1})
	require.Empty(t, forgetful.acceptances(), "a run without end must not pile them up")
}
