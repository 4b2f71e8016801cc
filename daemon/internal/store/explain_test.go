package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

func TestExplain(t *testing.T) {
	x := setup(t)
	size := 256
	x.ingest(x.crowd("warm", size))
	x.exec(`INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, clock_at, job_id)
		SELECT org_id, id, channel_id, false, 'text', 0, 'user', now(), id FROM conversations`)
	var effects []job.Effect
	for i := range size {
		id := int64(x.count(`SELECT id FROM messages WHERE NOT inbound ORDER BY id LIMIT 1 OFFSET $1`, i))
		effects = append(effects, job.Effect{JobID: id, Epoch: 1, MessageID: id, Status: inbox.Accepted, ProviderID: fmt.Sprintf("w.%d", id)})
	}
	x.exec(`SET auto_explain.log_min_duration = 0`)
	for range 3 {
		tx, err := x.pool.Begin(x.ctx)
		require.NoError(t, err)
		tx.Exec(x.ctx, `INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
			SELECT m.id, m.org_id, 1, 1, 1, 1, 1, 1, 1, now() FROM messages m WHERE NOT inbound`)
		batch := &pgx.Batch{}
		x.QueueEffects(batch, effects)
		for _, q := range batch.QueuedQueries {
			began := time.Now()
			_, err := tx.Exec(x.ctx, q.SQL, q.Arguments...)
			require.NoError(t, err)
			fmt.Println(time.Since(began), strings.ReplaceAll(q.SQL[max(0, len(q.SQL)-60):], "\n", " "))
			if len(q.Arguments) == 9 && strings.Contains(q.SQL, "UPDATE messages m SET") {
				rows, _ := tx.Query(x.ctx, "EXPLAIN ANALYZE "+q.SQL, q.Arguments...)
				lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
				require.NoError(t, err)
				fmt.Println(strings.Join(lines, "\n"))
			}
		}
		tx.Commit(x.ctx)
		fmt.Println()
	}
}
