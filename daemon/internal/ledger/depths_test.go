package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// The depth is what autoscalers and alerts go by: what waits, and nothing else,
// at a cost that does not grow with what is dead.
func TestDepthsCountWhatWaits(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	none, err := b.Depths(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
	n := b.add(t, job.New{}, job.New{}, job.New{}, job.New{}, job.New{}, job.New{}, job.New{},
		job.New{OrgID: 2, Queue: job.Instagram, RunAt: time.Now().Add(time.Hour)})
	b.exec(t, `UPDATE jobs SET ready_at = clock_timestamp() - interval '90 s' WHERE id = $1`, n[1])
	for i, state := range []job.State{job.Dispatched, job.Running, job.Uncertain, job.Held, job.Dead} {
		b.exec(t, `UPDATE jobs SET state = $2 WHERE id = $1`, n[2+i], int16(state))
	}
	b.exec(t, `
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, max_attempts, deadline_at)
SELECT -n, 1, 1, 1, 1, 6, 5, now() FROM generate_series(1, 20000) n`)
	before := b.rowsRead(t)
	got, err := b.Depths(t.Context())
	require.NoError(t, err)
	require.Less(t, b.rowsRead(t)-before, 100, "rows read to count five")
	require.Len(t, got, 2)
	if got[0].OrgID == 2 {
		got[0], got[1] = got[1], got[0]
	}
	require.InDelta(t, 90, got[0].OldestReady.Seconds(), 15)
	got[0].OldestReady = 0
	require.Equal(t, []latency.Depth{
		{Key: latency.Key{OrgID: 1, Queue: job.WhatsApp, Type: job.SendMessage}, Waiting: 4},
		{Key: latency.Key{OrgID: 2, Queue: job.Instagram, Type: job.SendMessage}, Waiting: 1, OldestReady: latency.None},
	}, got)
}
