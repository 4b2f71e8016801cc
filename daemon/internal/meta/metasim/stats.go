package metasim

// Stats sum up what the simulator saw and did since it started.
type Stats struct {
	Seed     uint64       `json:"seed,string"`
	Sends    SendStats    `json:"sends"`
	Inbound  InboundStats `json:"inbound"`
	Webhooks WebhookStats `json:"webhooks"`
}

// SendStats count sends by decision.
type SendStats struct {
	Arrived            int `json:"arrived"`
	Pending            int `json:"pending"`
	Accepted           int `json:"accepted"`
	AcceptedUnanswered int `json:"accepted_unanswered"`
	Refused            int `json:"refused"`
	Unread             int `json:"unread"`
	DuplicateJobs      int `json:"duplicate_jobs"` // jobs with more than one accepted send
}

// InboundStats count messages of customers.
type InboundStats struct {
	Written      int64 `json:"written"`
	Acknowledged int64 `json:"acknowledged"` // were in a POST that got 200
}

// WebhookStats count POSTs by outcome. The percentiles are of all POSTs that
// were answered, off by 5 % at most; 0 if there were none.
type WebhookStats struct {
	Received   int64   `json:"received"`   // POSTs answered 200
	Rejected   int64   `json:"rejected"`   // POSTs answered anything else
	Failed     int64   `json:"failed"`     // POSTs without an answer
	Duplicated int64   `json:"duplicated"` // updates said twice on purpose
	Pending    int     `json:"pending"`    // updates that have not got 200 yet
	P50MS      float64 `json:"p50_ms"`
	P99MS      float64 `json:"p99_ms"`
}

// Stats returns the sums so far.
func (s *Sim) Stats() Stats {
	pending, duplicated := s.queue.stats()
	return Stats{
		Seed: s.seed, Sends: s.ledger.stats(), Inbound: s.inbox.stats(),
		Webhooks: WebhookStats{
			Received: s.tally.received.Load(), Rejected: s.tally.rejected.Load(), Failed: s.tally.failed.Load(),
			Duplicated: duplicated, Pending: pending,
			P50MS: s.tally.latency.percentile(0.5), P99MS: s.tally.latency.percentile(0.99),
		},
	}
}
