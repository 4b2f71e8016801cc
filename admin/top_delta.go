package admin

import "time"

// Events of the stream of live pictures.
const (
	TopSnapshotEvent = "snapshot" // a Top with its Series, first
	TopDeltaEvent    = "delta"    // a TopDelta
)

// TopDelta is what makes the next Top of a viewer from the one before, whose Seq is
// Base. What is of one row in the whole picture comes whole.
type TopDelta struct {
	Epoch       string    `json:"epoch"`
	Base        int64     `json:"base"`
	Seq         int64     `json:"seq"`
	GeneratedAt time.Time `json:"generated_at"`
	Parts       []TopPart `json:"parts"`
	Vitals      Vitals    `json:"vitals"`
	Totals      TopTotals `json:"totals"`
	Alerts      []Alert   `json:"alerts"`

	Queues  RowsDelta[TopQueue]   `json:"queues"`
	Types   RowsDelta[TopLatency] `json:"types"`
	Orgs    RowsDelta[TopOrg]     `json:"orgs"`
	Users   RowsDelta[TopUser]    `json:"users"`
	Limits  RowsDelta[TopLimit]   `json:"limits"`
	Workers RowsDelta[TopWorker]  `json:"workers"`
}

// RowsDelta is what became of rows. Order has every id if the order is another, or
// rows came or went; it is null if that is as it was.
type RowsDelta[T any] struct {
	Changed []T      `json:"changed"`
	Removed []string `json:"removed"`
	Order   []string `json:"order"`
}
