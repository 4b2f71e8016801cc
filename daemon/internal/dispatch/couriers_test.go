package dispatch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// A slow Redis must not stop the postgres lane nor be sent more and more; what is
// on its way when the process ends must arrive first.
func TestRoundsGoOnWhileRedisIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := parts{
			ledger: &fakeLedger{dispatch: handOuts, take: filled}, remote: &fakeRemote{slow: make(chan struct{})},
			runner: &fakeRunner{free: 8}, dial: 50,
		}
		p.ledger.outlook = job.Outlook{Backlog: messages(1), OnRedis: map[job.Queue]int{job.WhatsApp: full - 4}, Slots: many}
		stop := run(t, p.build(t))
		synctest.Wait()
		require.Equal(t, 2, p.ledger.dispatchCount(), "two are on their way")
		require.Equal(t, 8, p.runner.runs())
		p.runner.open(8)
		<-time.After(time.Second)
		require.Equal(t, 2, p.ledger.dispatchCount(), "and no third is sent after them")
		require.Equal(t, 16, p.runner.runs(), "while the other lane goes on")

		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		synctest.Wait()
		select {
		case <-stopped:
			require.Fail(t, "it ended while copies were on their way")
		default:
		}
		close(p.remote.slow)
		<-stopped
		require.Len(t, p.remote.sent, 2*4)
	})
}

// Work for Redis that had to wait for a courier goes as soon as one is back.
func TestTheNextBatchFollowsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := parts{ledger: &fakeLedger{dispatch: handOuts}, remote: &fakeRemote{slow: make(chan struct{})}, runner: &fakeRunner{}, dial: 100}
		p.ledger.outlook = job.Outlook{Backlog: messages(1), OnRedis: map[job.Queue]int{job.WhatsApp: full - 4}, Slots: many}
		defer run(t, p.build(t))()
		synctest.Wait()
		require.Equal(t, 2, p.ledger.dispatchCount())
		p.ledger.empty()
		began := time.Now()
		p.remote.slow <- struct{}{}
		synctest.Wait()
		require.Equal(t, 4, p.ledger.pollCount(), "three rounds before, the last without a courier, and one more")
		require.Zero(t, time.Since(began))
		close(p.remote.slow)
	})
}

// What two batches failed of must not be told as success because the second could
// be taken back.
func TestEveryFailedRecallIsTold(t *testing.T) {
	t.Parallel()
	away := errors.New("the database is away")
	p := parts{
		ledger: &fakeLedger{dispatch: handOuts}, runner: &fakeRunner{}, dial: 100,
		remote: &fakeRemote{lose: func(job.Ticket) bool { return true }},
	}
	var once sync.Once
	p.ledger.recall = func(context.Context) (err error) {
		once.Do(func() { err = away })
		return err
	}
	p.ledger.outlook = job.Outlook{Slots: many, Backlog: []job.Backlog{
		{Queue: job.WhatsApp, Type: job.SendMessage, OrgID: 1}, {Queue: job.Instagram, Type: job.SendMessage, OrgID: 1},
	}}
	_, err := p.build(t).Round(t.Context())
	require.ErrorIs(t, err, away)
}

// After a failure one round goes by without Redis: the breaker gets time to open,
// and nothing spins.
func TestRedisIsLeftAloneForARound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := parts{
			ledger: &fakeLedger{dispatch: handOuts}, runner: &fakeRunner{}, dial: 100,
			remote: &fakeRemote{lose: func(job.Ticket) bool { return true }},
		}
		p.ledger.outlook = job.Outlook{Backlog: messages(1), OnRedis: map[job.Queue]int{job.WhatsApp: full - 4}, Slots: many}
		stop := run(t, p.build(t))
		<-time.After(10 * time.Second)
		stop()
		require.LessOrEqual(t, p.ledger.dispatchCount(), 3*41, "a round that was under way, and one per poll")
		require.Len(t, p.ledger.recalled["enqueue"], 4*p.ledger.dispatchCount(), "all are taken back")
	})
}
