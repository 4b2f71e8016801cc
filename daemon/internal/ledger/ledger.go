// Package ledger owns the jobs in PostgreSQL, the only truth about them: insert,
// claim, group commit, promotion, reconciliation and history. Every write
// carries its guard in the WHERE of the one statement that writes, so any
// number of processes may do anything at any moment. It refuses to decide who
// goes first (dispatch does) and to run anything (worker does).
//
// The transitions are numbered T1 to T19; the comment of each method names the
// ones it makes:
//
//	T1  insert                      T8  failed: scheduled or dead
//	T2  scheduled -> ready          T9  throttled: scheduled, attempt given back
//	T3  ready -> dispatched         T10 doubt: uncertain
//	T4  dispatched -> ready         T11 not begun: ready, attempt given back
//	T5  ready -> running            T12 worker lost: uncertain, or ready
//	T6  dispatched -> running       T13 settled by the provider: history
//	T7  done: history               T14 uncertain -> dead or ready, by an operator
//	                                T15 -> history(cancelled)
//	                                T16 running: asked to stop
//	                                T17 held, and back
//	                                T18 dead -> ready
//	                                T19 -> history(discarded)
package ledger

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Effects writes what the end of a job means for its message, inside the
// ledger's own transaction and only where the ledger's write was accepted.
type Effects interface {
	QueueEffects(b *pgx.Batch, effects []job.Effect)
	// QueueKeep keeps how messages are before an operation changes them, and
	// QueueRestore puts that back where they still have the status left.
	QueueKeep(b *pgx.Batch, operationID int64, messageIDs []int64)
	QueueRestore(b *pgx.Batch, operationID int64, messageIDs []int64, left inbox.MessageStatus)
	// StillFailed says which messages are failed and have no other job since.
	// Whoever asks holds their conversations.
	StillFailed(ctx context.Context, tx pgx.Tx, jobIDs, messageIDs []int64) (map[int64]bool, error)
}

// Options are what a Ledger needs. Pool and Logger are required; Effects may
// come later, by SetEffects.
type Options struct {
	Pool       *pgxpool.Pool // of the engine
	Reads      *pgxpool.Pool // for operators' questions; nil: Pool
	Beats      *pgxpool.Pool // for the heartbeat; nil: Pool
	Effects    Effects
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: metrics are kept but not exposed
}

// Ledger is safe for concurrent use.
type Ledger struct {
	pool    *pgxpool.Pool
	reads   *pgxpool.Pool
	beats   *pgxpool.Pool
	effects Effects
	log     *slog.Logger
	metrics *metrics
	wake    *waker
	claims  *gate
	started chan struct{} // an operation was committed here
	expired atomic.Int64  // tickets found too old at a start
}

// New returns a Ledger. SetEffects breaks the knot with a store that itself
// needs the ledger to insert jobs.
func New(o Options) (*Ledger, error) {
	if o.Pool == nil || o.Logger == nil {
		return nil, errors.New("ledger: Pool and Logger are required")
	}
	return &Ledger{
		pool: o.Pool, reads: cmp.Or(o.Reads, o.Pool), beats: cmp.Or(o.Beats, o.Pool), effects: o.Effects, log: o.Logger,
		metrics: newMetrics(o.Registerer),
		wake:    newWaker(),
		claims:  newGate(),
		started: make(chan struct{}, 1),
	}, nil
}

// SetEffects must be called before the first job ends.
func (l *Ledger) SetEffects(e Effects) { l.effects = e }
