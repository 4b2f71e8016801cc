package faultstest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/admin"
)

// depths are how many jobs are in each state.
type depths struct{ Scheduled, Ready, Dispatched, Running, Uncertain, Held, Dead int64 }

const depthsSQL = `
SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2),
       count(*) FILTER (WHERE state = 3), count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state = 5),
       count(*) FILTER (WHERE state = 6) FROM jobs`

// checkGauges (I16): when all is quiet, operators are shown what is in the
// ledger. Periodic work may begin between the two looks, so they are taken again
// for a while.
func (r *rig) checkGauges(ctx context.Context) []finding {
	c, err := admin.NewClient(admin.Options{Server: "unix://" + r.api.socket})
	if err != nil {
		return []finding{found(otherwise, time.Time{}, "open the admin socket: %v", err)}
	}
	defer c.Close()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for tries := 50; ; tries-- {
		want, got, err := r.depths(ctx, c)
		switch {
		case err != nil:
			return []finding{found(otherwise, time.Time{}, "%v", err)}
		case got == want:
			return nil
		case tries == 0:
			return []finding{found(otherwise, time.Time{}, "operators see %+v, the ledger has %+v", got, want)}
		}
		<-again.C
	}
}

// depths reads what the ledger has and what operators are shown.
func (r *rig) depths(ctx context.Context, c *admin.Client) (want, got depths, err error) {
	rows, err := r.pool.Query(ctx, depthsSQL)
	if err == nil {
		want, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[depths])
	}
	if err != nil {
		return want, got, fmt.Errorf("count the jobs: %w", err)
	}
	queues, err := c.Queues(ctx)
	if err != nil {
		return want, got, fmt.Errorf("ask for the queues: %w", err)
	}
	for _, q := range queues.Items {
		got.Scheduled += q.Scheduled
		got.Ready += q.Ready
		got.Dispatched += q.Dispatched
		got.Running += q.Running
		got.Uncertain += q.Uncertain
		got.Held += q.Held
		got.Dead += q.Dead
	}
	return want, got, nil
}
