package metasim

import (
	"errors"
	"fmt"
	"time"
)

// Span is a range of delays in milliseconds; each delay is drawn evenly from
// it. The zero Span is no delay.
type Span struct {
	MinMS int `json:"min_ms"`
	MaxMS int `json:"max_ms"`
}

// Settings say how the simulated Meta behaves. The zero value is a calm one:
// no delays, every status but read, nothing twice. Shares are 0..1.
type Settings struct {
	Response Span `json:"response"` // from the decision to the HTTP answer of a send

	Sent               Span    `json:"sent"`      // from acceptance to sent
	Delivered          Span    `json:"delivered"` // from sent to delivered
	Read               Span    `json:"read"`      // from delivered to read
	SkipDeliveredShare float64 `json:"skip_delivered_share"`
	ReadShare          float64 `json:"read_share"`
	EarlyShare         float64 `json:"early_share"` // the first status or echo is posted before the send is answered

	Webhook        Span    `json:"webhook"` // from an event to its POST
	DuplicateShare float64 `json:"duplicate_share"`
	LateShare      float64 `json:"late_share"` // of updates that come Late in addition
	Late           Span    `json:"late"`
	ReorderShare   float64 `json:"reorder_share"`     // of POSTs whose updates are shuffled
	BatchMax       int     `json:"batch_max"`         // updates per POST, 1..1000; 0: 100
	BatchWaitMS    int     `json:"batch_wait_ms"`     // how long a due update waits for company
	TimeoutMS      int     `json:"timeout_ms"`        // of one POST; 0: 10,000
	RetryFirstMS   int     `json:"retry_first_ms"`    // delay after the first failed POST, doubling; 0: 100
	RetryMaxMS     int     `json:"retry_max_ms"`      // 0: 5,000
	PairLimit      bool    `json:"pair_limit"`        // 131056: 1 message per 6 s and recipient, bursts up to 45 borrowed
	NumberPerSec   int     `json:"number_per_second"` // 130429 above it; 0: no limit
}

// Usual returns Meta on a normal day, with the waits of customers shortened so
// that a run of seconds sees every status.
func Usual() Settings {
	return Settings{
		Response:           Span{MinMS: 20, MaxMS: 60},
		Sent:               Span{MinMS: 10, MaxMS: 80},
		Delivered:          Span{MinMS: 50, MaxMS: 400},
		Read:               Span{MinMS: 200, MaxMS: 2000},
		SkipDeliveredShare: 0.05,
		ReadShare:          0.7,
		EarlyShare:         0.02,
		Webhook:            Span{MinMS: 5, MaxMS: 120},
		DuplicateShare:     0.03,
		LateShare:          0.01,
		Late:               Span{MinMS: 500, MaxMS: 3000},
		ReorderShare:       0.1,
		BatchMax:           100,
		BatchWaitMS:        10,
	}
}

// normal returns the settings with defaults filled in, or every fault in them.
func (s Settings) normal() (Settings, error) {
	var faults []error
	for name, span := range map[string]Span{
		"response": s.Response, "sent": s.Sent, "delivered": s.Delivered,
		"read": s.Read, "webhook": s.Webhook, "late": s.Late,
	} {
		if span.MinMS < 0 || span.MaxMS < span.MinMS {
			faults = append(faults, fmt.Errorf("%s: min_ms %d and max_ms %d must be 0 <= min_ms <= max_ms", name, span.MinMS, span.MaxMS))
		}
	}
	for name, share := range map[string]float64{
		"skip_delivered_share": s.SkipDeliveredShare, "read_share": s.ReadShare, "early_share": s.EarlyShare,
		"duplicate_share": s.DuplicateShare, "late_share": s.LateShare, "reorder_share": s.ReorderShare,
	} {
		if !(share >= 0 && share <= 1) {
			faults = append(faults, fmt.Errorf("%s %v must be between 0 and 1", name, share))
		}
	}
	if s.BatchMax < 0 || s.BatchMax > 1000 {
		faults = append(faults, fmt.Errorf("batch_max %d must be between 1 and 1000", s.BatchMax))
	}
	if min(s.BatchWaitMS, s.TimeoutMS, s.RetryFirstMS, s.RetryMaxMS, s.NumberPerSec) < 0 {
		faults = append(faults, errors.New("batch_wait_ms, timeout_ms, retry_first_ms, retry_max_ms and number_per_second must not be negative"))
	}
	s.BatchMax = orDefault(s.BatchMax, 100)
	s.TimeoutMS = orDefault(s.TimeoutMS, 10_000)
	s.RetryFirstMS = orDefault(s.RetryFirstMS, 100)
	s.RetryMaxMS = orDefault(s.RetryMaxMS, 5000)
	return s, errors.Join(faults...)
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }
