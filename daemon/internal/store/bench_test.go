package store_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// BenchmarkIngest measures a webhook with so many messages of known customers,
// and one with so many statuses; fsync is off in test servers.
func BenchmarkIngest(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("Messages%d", size), func(b *testing.B) {
			x := setup(b)
			x.clock.set(at(60))
			x.ingest(x.crowd("warm", size))
			round := 0
			for b.Loop() {
				round++
				x.ingest(x.crowd(fmt.Sprint(round), size))
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/update")
		})
		b.Run(fmt.Sprintf("Statuses%d", size), func(b *testing.B) {
			x := setup(b)
			x.ingest(x.crowd("warm", size))
			x.exec(`INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, provider_id)
				SELECT org_id, id, channel_id, false, 'text', 1, 'api', 'o.' || row_number() OVER () FROM conversations`)
			round := 0
			for b.Loop() {
				round++
				var batch inbox.Batch
				for i := range size { // rows change every time: a time a second earlier
					batch.Statuses = append(batch.Statuses, inbox.StatusUpdate{Account: x.wa(), ProviderID: fmt.Sprintf("o.%d", i+1), Status: inbox.Delivered, At: at(-round)})
				}
				x.ingest(batch)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/update")
		})
	}
}

// BenchmarkReply measures one accepted reply, with its job.
func BenchmarkReply(b *testing.B) {
	x := setup(b)
	c := x.customer("1", 0)
	for b.Loop() {
		x.reply(c)
	}
}

// BenchmarkEffects measures what a full flush of the ledger adds.
func BenchmarkEffects(b *testing.B) {
	for _, size := range []int{1, 256} {
		b.Run(fmt.Sprintf("Accepted%d", size), func(b *testing.B) {
			x := setup(b)
			x.ingest(x.crowd("warm", size))
			x.exec(`INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, clock_at, job_id)
				SELECT org_id, id, channel_id, false, 'text', 0, 'user', now(), id FROM conversations`)
			var effects []job.Effect
			for i := range size {
				id := int64(x.count(`SELECT id FROM messages WHERE NOT inbound ORDER BY id LIMIT 1 OFFSET $1`, i))
				effects = append(effects, job.Effect{JobID: id, Epoch: 1, MessageID: id, Status: inbox.Accepted, ProviderID: fmt.Sprintf("w.%d", id)})
			}
			for b.Loop() {
				batch := &pgx.Batch{}
				batch.Queue(`INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
					SELECT m.id, m.org_id, 1, 1, 1, 1, 1, 1, 1, now() FROM messages m WHERE NOT inbound`)
				x.QueueEffects(batch, effects)
				if err := x.pool.SendBatch(x.ctx, batch).Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
