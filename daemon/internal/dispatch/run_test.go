package dispatch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/dispatch"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// run lets a dispatcher run until the test stops it.
func run(t *testing.T, d *dispatch.Dispatcher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { d.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

// A message must not wait for the poll: a wake-up makes a round at once; a lost
// one costs a quarter of a second.
func TestWake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := parts{ledger: &fakeLedger{}, runner: &fakeRunner{free: 1}}
		d := p.build(t)
		defer run(t, d)()
		synctest.Wait()
		require.Equal(t, 1, p.ledger.pollCount(), "one look at the start")

		begin := time.Now()
		d.Wake()
		synctest.Wait()
		require.Equal(t, 2, p.ledger.pollCount())
		d.Bell() <- struct{}{}
		synctest.Wait()
		require.Equal(t, 3, p.ledger.pollCount())
		require.Zero(t, time.Since(begin), "no time passed")

		for range 1000 {
			d.Wake() // never blocks, and a burst costs at most two rounds
		}
		synctest.Wait()
		require.LessOrEqual(t, p.ledger.pollCount(), 5)

		before := p.ledger.pollCount()
		time.Sleep(time.Second) //nolint:forbidigo // synctest's time
		synctest.Wait()
		require.Equal(t, before+4, p.ledger.pollCount())
	})
}

// A database outage is waited out quietly: polls go on, nothing spins.
func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := parts{ledger: &fakeLedger{pollErr: errors.New("away")}, runner: &fakeRunner{}, log: slog.New(slog.NewTextHandler(&log, nil))}
		stop := run(t, p.build(t))
		time.Sleep(10*time.Second + time.Millisecond) //nolint:forbidigo // synctest's time
		require.Equal(t, 41, p.ledger.pollCount())
		p.ledger.answer(nil)
		time.Sleep(time.Second) //nolint:forbidigo // synctest's time
		stop()
		require.Equal(t, 1, strings.Count(log.String(), "dispatch fails"), "said once, not four times a second")
		require.Equal(t, 1, strings.Count(log.String(), "dispatch works again"))
	})
}

// A claim that is committed while the process is told to stop must still start
// its jobs here, or they would hang as running until the reconciler comes.
func TestStopCutsNoClaimOff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := parts{
		ledger: &fakeLedger{dispatch: handOuts}, dial: 50, runner: &fakeRunner{free: 3},
		remote: &fakeRemote{lose: func(job.Ticket) bool { return true }},
	}
	p.ledger.outlook = job.Outlook{Backlog: messages(1), Slots: many, OnRedis: map[job.Queue]int{job.WhatsApp: full - 16}}
	p.ledger.take = func(inner context.Context, pick job.Pick) ([]job.Claimed, error) {
		cancel()
		if inner.Err() != nil {
			t.Error("the claim was cut off")
		}
		_, bounded := inner.Deadline()
		if !bounded {
			t.Error("the claim has no deadline")
		}
		return filled(inner, pick)
	}
	p.ledger.recall = func(inner context.Context) error { return inner.Err() }
	p.build(t).Run(ctx)
	require.Equal(t, 1, p.ledger.pollCount(), "nothing new begins after the stop")
	require.Equal(t, 3, p.runner.runs())
	require.Len(t, p.ledger.recalled["enqueue"], 16, "what did not reach Redis is taken back all the same")
}

// Under a backlog every claim is full; a stop must not wait for its end.
func TestStopUnderABacklog(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{}, runner: &fakeRunner{free: 1}}
	p.ledger.outlook.Backlog = messages(1)
	p.ledger.take = func(ctx context.Context, pick job.Pick) ([]job.Claimed, error) {
		p.runner.Unreserve(job.WhatsApp, 1) // jobs end as fast as they begin
		return filled(ctx, pick)
	}
	stop := run(t, p.build(t))
	require.Eventually(t, func() bool { return p.runner.runs() > 50 }, 5*time.Second, time.Millisecond)
	stop()
}

// A conversation with hundreds of waiting messages hides what is behind it.
// Then the ledger is searched deeper, but only once a second: that search reads
// thousands of rows.
func TestBlockedBacklogIsSearchedDeeply(t *testing.T) {
	t.Parallel()
	for _, dial := range []int{0, 100} {
		synctest.Test(t, func(t *testing.T) {
			p := parts{ledger: &fakeLedger{}, remote: &fakeRemote{}, runner: &fakeRunner{free: 4}, dial: dial}
			p.ledger.outlook.Backlog = messages(1, 2)
			stop := run(t, p.build(t))
			time.Sleep(10*time.Second + time.Millisecond) //nolint:forbidigo // synctest's time
			stop()
			picks := append(p.ledger.takes, p.ledger.dispatches...)
			require.Len(t, picks, 41)
			deep := 0
			for _, pick := range picks {
				if pick.Scan > 0 {
					deep++
				}
			}
			require.InDelta(t, 10, deep, 1, "dial %d", dial)
		})
	}
}

// While other orgs keep the slots busy, the blocked one still gets its deep
// search; full claims alone never cause one.
func TestDeepSearchSurvivesOthersSuccess(t *testing.T) {
	t.Parallel()
	deepScans := func(t *testing.T, blocked int64) (deep int) {
		t.Helper()
		p := parts{ledger: &fakeLedger{}, runner: &fakeRunner{free: 2}}
		p.ledger.outlook.Backlog = messages(1, 2)
		p.ledger.take = func(ctx context.Context, pick job.Pick) ([]job.Claimed, error) {
			got, err := filled(ctx, pick)
			var free []job.Claimed
			for _, c := range got {
				if c.OrgID != blocked {
					free = append(free, c)
				}
			}
			p.runner.Unreserve(job.WhatsApp, len(free))
			if pick.Scan > 0 {
				deep++
			}
			return free, err
		}
		d := p.build(t)
		for range 40 {
			_, err := d.Round(t.Context())
			require.NoError(t, err)
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // synctest's time
		}
		return deep
	}
	synctest.Test(t, func(t *testing.T) { require.Equal(t, 4, deepScans(t, 1)) })
	synctest.Test(t, func(t *testing.T) { require.Zero(t, deepScans(t, 0)) })
}
