package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// crowd is a batch of one message each from n customers nobody knows yet.
func (b *bundle) crowd(prefix string, n int) inbox.Batch {
	var batch inbox.Batch
	for i := range n {
		in := b.says(fmt.Sprintf("%s.%d", prefix, i), at(i%60))
		in.Contact = inbox.Contact{UserID: fmt.Sprintf("u%d", i), WaID: fmt.Sprintf("1555%06d", i), Name: "n"}
		batch.Inbound = append(batch.Inbound, in)
	}
	return batch
}

func TestTwentyDeliveriesOfOneBatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.set(at(60))
	batch := b.crowd("wamid", 30)
	applied := make(chan inbox.Applied)
	for range 20 {
		go func() {
			a, err := b.Ingest(b.ctx, batch, nil)
			if err != nil {
				t.Error(err)
			}
			applied <- a
		}()
	}
	var sum inbox.Applied
	for range 20 {
		a := <-applied
		sum.Inbound, sum.Duplicates = sum.Inbound+a.Inbound, sum.Duplicates+a.Duplicates
	}
	require.Equal(t, inbox.Applied{Inbound: 30, Duplicates: 19 * 30}, sum)
	require.Equal(t, 30, b.count(`SELECT count(*) FROM messages`))
	require.Equal(t, 30, b.count(`SELECT count(*) FROM contacts`))
	require.Equal(t, 30, b.count(`SELECT count(*) FROM conversations`))
	require.Equal(t, 30, b.count(`SELECT count(*) FROM episodes WHERE first`))
}

// Two deliveries that meet the same new and known customers in opposite order
// must not deadlock; a deadlock would cost a second each.
func TestDeliveriesInOppositeOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.set(at(60))
	begin := time.Now()
	for round := range 10 {
		forward, backward := b.crowd(fmt.Sprintf("f%d", round), 40), b.crowd(fmt.Sprintf("b%d", round), 40)
		slices.Reverse(backward.Inbound)
		for i := range backward.Inbound {
			backward.Inbound[i].Contact.WaID = ""
		}
		done := make(chan error, 4)
		for _, batch := range []inbox.Batch{forward, backward, forward, backward} {
			go func() {
				_, err := b.Ingest(b.ctx, batch, nil)
				done <- err
			}()
		}
		for range 4 {
			require.NoError(t, <-done)
		}
	}
	require.Equal(t, 40, b.count(`SELECT count(*) FROM contacts`))
	require.Equal(t, 40*20, b.count(`SELECT count(*) FROM messages`))
	require.Zero(t, b.count(`SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()`))
	require.Less(t, time.Since(begin), time.Minute)
}

// Customers, agents, the ledger and status webhooks of one conversation at
// once: nothing fails, nobody deadlocks, the clock is right in the end.
func TestEverybodyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer("wamid.first", 0)
	b.clock.set(at(10))
	const rounds = 15
	done := make(chan error)
	go func() {
		for i := range rounds {
			if _, err := b.Ingest(b.ctx, inbox.Batch{Inbound: []inbox.Inbound{b.says(fmt.Sprintf("in.%d", i), at(-i))}}, nil); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for w := range 3 {
		go func() {
			for i := range rounds {
				r, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c, Text: "hi"})
				if err != nil {
					done <- err
					return
				}
				// The ledger runs one at a time; here the outcomes shall collide.
				if _, err := b.pool.Exec(b.ctx, `UPDATE jobs SET run_epoch = 1, attempt = 1 WHERE id = $1`, r.JobID); err != nil {
					done <- err
					return
				}
				id := fmt.Sprintf("out.%d.%d", w, i)
				both := make(chan error, 2)
				go func() { both <- b.tryOutcome(sent(r, inbox.Accepted, id)) }()
				go func() {
					_, err := b.Ingest(b.ctx, inbox.Batch{Statuses: []inbox.StatusUpdate{
						{Account: b.wa(), ProviderID: id, Status: inbox.Sent, At: at(11), JobID: r.JobID, Epoch: 1},
						{Account: b.wa(), ProviderID: id, Status: inbox.Delivered, At: at(12), JobID: r.JobID, Epoch: 1},
					}}, nil)
					both <- err
				}()
				for range 2 {
					if err := <-both; err != nil {
						done <- err
						return
					}
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	require.Equal(t, 3*rounds, b.count(`SELECT count(*) FROM messages WHERE NOT inbound AND status = 3 AND provider_id IS NOT NULL`))
	require.Zero(t, b.count(`SELECT count(*) FROM jobs`))
	require.Zero(t, b.count(`SELECT count(*) FROM parked_statuses`))
	require.Zero(t, b.count(`SELECT count(*) FROM episodes WHERE answered_at IS NULL`))
}
