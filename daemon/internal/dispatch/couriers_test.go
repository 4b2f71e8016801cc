package dispatch_test

import (
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
		p := parts{ledger: &fakeLedger{dispatch: handOuts}, remote: &fakeRemote{slow: make(chan struct{})}, runner: &fakeRunner{}, dial: 100}
		p.ledger.outlook = job.Outlook{Backlog: messages(1), OnRedis: map[job.Queue]int{job.WhatsApp: full - 4}, Slots: many}
		stop := run(t, p.build(t))
		synctest.Wait()
		require.Equal(t, 3, p.ledger.dispatchCount(), "two are on their way, the third waits for one of them")
		<-time.After(time.Second)
		require.Equal(t, 3, p.ledger.dispatchCount(), "and it does wait")

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
		require.Len(t, p.remote.sent, 3*4)
	})
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
