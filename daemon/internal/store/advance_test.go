package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// move is one change of a message's status.
type move struct{ from, to inbox.MessageStatus }

// mover is one of the ways a status moves.
type mover struct {
	name string
	to   []inbox.MessageStatus
	run  func(b *bundle, r inbox.Receipt, m move)

	// Where it differs from inbox.MessageStatus.Advances, and why.
	allows, refuses []move
}

func (v mover) want(m move) inbox.MessageStatus {
	if slices.Contains(v.allows, m) || m.from.Advances(m.to) && !slices.Contains(v.refuses, m) {
		return m.to
	}
	return m.from
}

func movers() []mover {
	provider := []inbox.MessageStatus{inbox.Accepted, inbox.Sent, inbox.Delivered, inbox.Read, inbox.Failed}
	return []mover{
		{
			name: "Outcome", run: func(b *bundle, r inbox.Receipt, m move) { b.outcome(sent(r, m.to, "")) },
			to: []inbox.MessageStatus{inbox.Accepted, inbox.Sent, inbox.Failed, inbox.Uncertain},
			// That our attempt failed says nothing against a message that went out.
			refuses: []move{{inbox.Accepted, inbox.Failed}, {inbox.Sent, inbox.Failed}},
		},
		{
			name: "NewStart", to: []inbox.MessageStatus{inbox.Queued}, run: func(b *bundle, r inbox.Receipt, m move) {
				e := sent(r, m.to, "")
				e.Attempt = 0
				b.outcome(e)
			},
			// Somebody has decided to send it again.
			allows: []move{{inbox.Failed, inbox.Queued}, {inbox.Uncertain, inbox.Queued}},
		},
		{
			name: "LateReport", to: []inbox.MessageStatus{inbox.Queued},
			run:    func(b *bundle, r inbox.Receipt, m move) { b.outcome(sent(r, m.to, "")) },
			allows: []move{{inbox.Uncertain, inbox.Queued}}, // now it is known not to have been sent
		},
		{
			name: "Webhook", to: provider, run: func(b *bundle, r inbox.Receipt, m move) {
				b.exec(`UPDATE messages SET provider_id = 'w.1' WHERE id = $1`, r.MessageID)
				b.status(inbox.StatusUpdate{ProviderID: "w.1", Status: m.to, At: at(1), ErrorClass: string(job.ClassPermission)})
			},
		},
		{
			name: "Callback", to: provider, run: func(b *bundle, r inbox.Receipt, m move) {
				if m.from != inbox.Queued && m.from != inbox.Uncertain { // then its job is over
					b.exec(`WITH d AS (DELETE FROM jobs WHERE id = $1 RETURNING *)
						INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
						SELECT id, org_id, queue, job_type, priority, 1, run_epoch, attempt, lane, created_at FROM d`, r.JobID)
				}
				b.status(inbox.StatusUpdate{ProviderID: "w.1", Status: m.to, At: at(1), JobID: r.JobID, Epoch: 1, ErrorClass: string(job.ClassPermission)})
			},
		},
		{
			name: "Parked", to: provider, run: func(b *bundle, r inbox.Receipt, m move) {
				b.status(inbox.StatusUpdate{ProviderID: "w.1", Status: m.to, At: at(1), ErrorClass: string(job.ClassPermission)})
				b.exec(`UPDATE messages SET provider_id = 'w.1' WHERE id = $1`, r.MessageID)
				batch := &pgx.Batch{}
				b.QueueEffects(batch, []job.Effect{sent(r, inbox.Accepted, "w.1")}) // not accepted: the job still runs
				require.NoError(b.tb, b.pool.SendBatch(b.ctx, batch).Close())
			},
		},
		{
			name: "ReadMark", to: []inbox.MessageStatus{inbox.Read}, run: func(b *bundle, r inbox.Receipt, _ move) {
				b.exec(`UPDATE messages SET provider_id = 'w.1' WHERE id = $1`, r.MessageID)
				b.ingest(inbox.Batch{Reads: []inbox.ReadMark{{Account: b.wa(), ProviderID: "w.1", At: at(1)}}})
			},
			// It speaks of all earlier messages, also of those that never went out.
			refuses: []move{{inbox.Queued, inbox.Read}, {inbox.Uncertain, inbox.Read}},
		},
		{
			name: "Echo", to: provider[1:], run: func(b *bundle, r inbox.Receipt, m move) {
				b.exec(`INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, provider_id)
					SELECT org_id, conversation_id, channel_id, false, kind, $2, 'echo', 'w.1' FROM messages WHERE id = $1`, r.MessageID, int16(m.to))
				b.outcome(sent(r, inbox.Sent, "w.1"))
				require.Equal(b.tb, 1, b.count(`SELECT count(*) FROM messages WHERE org_id = $1 AND NOT inbound`, b.org.ID), "one message, one row")
			},
			// The outcome that brings them together is itself "sent".
			allows: []move{{inbox.Queued, inbox.Sent}, {inbox.Accepted, inbox.Sent}, {inbox.Uncertain, inbox.Sent}},
		},
	}
}

// The rule of statuses is written in Go and, for whole batches, in SQL: for
// every pair and every way they must agree, or the customer's "delivered"
// becomes "sent" again by one of the ways.
func TestEveryMoveOfAStatus(t *testing.T) {
	t.Parallel()
	shared := database(t)
	for _, v := range movers() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			for from := inbox.Queued; from <= inbox.Received; from++ {
				for _, to := range v.to {
					b, m := shared.fork(t), move{from, to}
					r := b.reply(b.customer("1", 0))
					b.started(r)
					b.exec(`UPDATE messages SET status = $2 WHERE id = $1`, r.MessageID, int16(from))
					v.run(b, r, m)
					require.Equal(t, v.want(m).String(), b.message(r.MessageID).Status.String(), "%s, then %s", m.from, m.to)
				}
			}
		})
	}
}

// Every way to send a message again uses the queue and the priority it had.
func TestEveryWayToSendAgainKeepsThePriority(t *testing.T) {
	t.Parallel()
	shared := database(t)
	for origin, want := range map[inbox.Origin]job.Priority{
		inbox.OriginUser: job.Interactive, inbox.OriginAutomation: job.Normal, inbox.OriginAPI: job.Bulk,
	} {
		for _, class := range []job.Class{job.ClassTransient, job.ClassPermission} { // sent again by itself, and by an agent
			t.Run(fmt.Sprint(origin, "/", class), func(t *testing.T) {
				t.Parallel()
				b := shared.fork(t)
				r := b.answer(b.customer("1", 0), 10, "o1")
				b.exec(`UPDATE messages SET origin = $2 WHERE id = $1`, r.MessageID, string(origin))
				b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(20), ErrorClass: string(class)})
				if class == job.ClassPermission {
					_, err := b.RetryMessage(b.ctx, inbox.MessageRetry{OrgID: b.org.ID, UserID: b.user.ID, MessageID: r.MessageID})
					require.NoError(t, err)
				}
				require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE subject_id = $1 AND priority = $2 AND queue = $3 AND job_type = $4`,
					r.MessageID, int16(want), int16(job.WhatsApp), int16(job.SendMessage)))
			})
		}
	}
}

// The clock stops at the moment the agent pressed send: an agent's retry is a
// new press, one of the engine or an operator is not.
func TestWhoSendsAgainDecidesWhenTheClockStops(t *testing.T) {
	t.Parallel()
	shared := database(t)
	pressed := func(b *bundle, id int64) int {
		return b.count(`SELECT extract(epoch FROM clock_at - $2)::int FROM messages WHERE id = $1`, id, noon())
	}
	t.Run("Engine", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.answer(b.customer("1", 0), 10, "o1")
		b.clock.set(at(30))
		b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(20), ErrorClass: string(job.ClassTransient)})
		require.Equal(t, 10, pressed(b, r.MessageID))
	})
	t.Run("Operator", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		b.clock.set(at(10))
		r := b.reply(b.customer("1", 0))
		b.clock.set(at(30))
		b.started(r)
		b.outcome(sent(r, inbox.Failed, ""))
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Queued})
		require.Equal(t, inbox.Queued, b.message(r.MessageID).Status)
		require.Equal(t, 10, pressed(b, r.MessageID))
	})
	t.Run("Agent", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.answer(b.customer("1", 0), 10, "o1")
		b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(20), ErrorClass: string(job.ClassPermission)})
		b.clock.set(at(30))
		_, err := b.RetryMessage(b.ctx, inbox.MessageRetry{OrgID: b.org.ID, UserID: b.user.ID, MessageID: r.MessageID})
		require.NoError(t, err)
		require.Equal(t, 30, pressed(b, r.MessageID))
	})
}

// A flush costs so many statements, however many outcomes it has.
func TestStatementsOfAFlush(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for want, statuses := range map[int][]inbox.MessageStatus{
		0:  {},
		2:  {inbox.Failed, inbox.Uncertain},
		3:  {inbox.Failed, inbox.Queued},
		7:  {inbox.Accepted, inbox.Failed},
		11: {inbox.Sent},
		12: {inbox.Accepted, inbox.Sent, inbox.Failed, inbox.Uncertain, inbox.Queued},
	} {
		var effects []job.Effect
		for i := range 3 * len(statuses) {
			effects = append(effects, job.Effect{JobID: int64(i + 1), MessageID: int64(i + 1), Status: statuses[i%len(statuses)]})
		}
		batch := &pgx.Batch{}
		b.QueueEffects(batch, effects)
		require.Equal(t, want, batch.Len(), fmt.Sprint(statuses))
	}
}
