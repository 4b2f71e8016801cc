package dispatch_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/dispatch"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// noRecords stands for a ledger that a pool without jobs never asks.
type noRecords struct{}

func (noRecords) Start(context.Context, job.Ticket) (job.Claimed, bool, error) {
	return job.Claimed{}, false, nil
}
func (noRecords) Finish(context.Context, job.Claimed, job.Result) (bool, error) { return true, nil }
func (noRecords) Recall(context.Context, string, []job.Ticket) (int, error)     { return 0, nil }
func (noRecords) Process(context.Context, job.Claimed) job.Result               { return job.Result{} }

// A ready job that cannot be taken yet (its conversation is busy or backing off)
// must cost polls, not a loop: with the real pool, which tells of freed slots.
func TestBlockedJobDoesNotSpin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{outlook: job.Outlook{Backlog: messages(1), Slots: 8}}
		log := slog.New(slog.DiscardHandler)
		var d *dispatch.Dispatcher
		pool, err := worker.New(worker.Options{
			Slots: 8, Processors: map[job.Type]worker.Processor{job.SendMessage: noRecords{}},
			Recorder: noRecords{}, Recaller: noRecords{}, Freed: func() { d.Freed() }, Logger: log,
		})
		require.NoError(t, err)
		d, err = dispatch.New(dispatch.Options{
			Poller: ledger, Ledger: ledger, Runner: pool, WorkerID: workerID, Logger: log,
			Control: func() *control.Snapshot { return control.New(0, nil, nil, nil) },
		})
		require.NoError(t, err)
		defer run(t, d)()
		time.Sleep(time.Second + time.Millisecond) //nolint:forbidigo // synctest's time
		synctest.Wait()
		require.LessOrEqual(t, ledger.pollCount(), 5)
	})
}
