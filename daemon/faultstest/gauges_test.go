package faultstest_test

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/admin"
)

// checkGauges (I16): when all is quiet, operators are shown what is in the
// ledger.
func (r *rig) checkGauges(ctx context.Context) (all []finding) {
	c, err := admin.NewClient(admin.Options{Server: "unix://" + r.api.socket})
	if err != nil {
		return []finding{found(otherwise, time.Time{}, "open the admin socket: %v", err)}
	}
	defer c.Close()
	type depths struct{ Scheduled, Ready, Dispatched, Running, Uncertain, Held, Dead int64 }
	var want depths
	rows, err := r.pool.Query(ctx, `
SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2),
       count(*) FILTER (WHERE state = 3), count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state = 5),
       count(*) FILTER (WHERE state = 6) FROM jobs`)
	if err == nil {
		want, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[depths])
	}
	if err != nil {
		return []finding{found(otherwise, time.Time{}, "count the jobs: %v", err)}
	}
	queues, err := c.Queues(ctx)
	if err != nil {
		return []finding{found(otherwise, time.Time{}, "ask for the queues: %v", err)}
	}
	var got depths
	for _, q := range queues.Items {
		got.Scheduled += q.Scheduled
		got.Ready += q.Ready
		got.Dispatched += q.Dispatched
		got.Running += q.Running
		got.Uncertain += q.Uncertain
		got.Held += q.Held
		got.Dead += q.Dead
	}
	if got != want {
		all = append(all, found(otherwise, time.Time{}, "operators see %+v, the ledger has %+v", got, want))
	}
	return all
}
