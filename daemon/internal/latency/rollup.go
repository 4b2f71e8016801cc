package latency

import (
	"context"
	"time"
)

// Rolled says how far the roll-ups reach: they hold exactly the rows that ended
// before Until, a full hour, and were committed by Mark.
type Rolled struct {
	Until time.Time
	Mark  Mark
}

// RollupFilter chooses roll-ups by their hour, from Since on and before Until.
type RollupFilter struct {
	Since, Until time.Time
	Totals       bool    // of all orgs together
	OrgIDs       []int64 // of these orgs; empty, and without Totals: of every single org
}

// Rollup is one histogram of one hour. OrgID 0 is all orgs together.
type Rollup struct {
	Key

	Hour   time.Time
	Metric Metric
	Times  Histogram
}

// Rollups are the histograms of full hours, kept for 90 days.
type Rollups interface {
	Rolled(ctx context.Context) (Rolled, error)
	// RollUp brings them up to date, those of hours with late rows too. One
	// caller at a time works; for the others it is the same as Rolled.
	RollUp(ctx context.Context) (Rolled, error)
	Rollups(ctx context.Context, f RollupFilter, each func(Rollup)) error
	// BusyOrgs returns how many attempts single orgs made, of at most limit orgs,
	// the busiest.
	BusyOrgs(ctx context.Context, f RollupFilter, queue, typ int16, limit int) (map[int64]int64, error)
}
