// Package store keeps the inbox in PostgreSQL: orgs, users, channels, contacts,
// conversations, messages, episodes, idempotency keys and tokens. It applies
// webhooks and API writes, each in one transaction with the jobs they create.
// It refuses to run or to order jobs (the ledger does) and to speak HTTP.
//
// Locks are taken in one order everywhere: contacts of a channel (advisory),
// conversations by id, jobs by id, messages by id, clocks of conversations
// (advisory, by key: see clockLock). Whoever inserts a job holds the
// conversation's row, so that job ids commit in order.
package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Jobs is the part of the ledger that writes need. All but Wake run in the
// caller's transaction.
type Jobs interface {
	// Insert adds jobs and returns their ids in order. The caller holds the
	// conversation each job belongs to.
	Insert(ctx context.Context, tx pgx.Tx, jobs ...job.New) ([]int64, error)
	// Settle ends jobs the provider has answered for and locks all that are
	// named; what is unknown, final or at another attempt is skipped.
	Settle(ctx context.Context, tx pgx.Tx, s []job.Settlement) ([]job.Settled, error)
	// Revive makes a dead job ready again; false if it is not dead.
	Revive(ctx context.Context, tx pgx.Tx, orgID, jobID int64) (bool, error)
	// RaiseControl raises the version of what operators set, and returns it: for
	// changes of what may be sent.
	RaiseControl(ctx context.Context, tx pgx.Tx) (int64, error)
	// Hasten makes jobs of these channels that wait because of these classes due
	// now. It waits for no lock, so it may come after any other.
	Hasten(ctx context.Context, tx pgx.Tx, channelIDs []int64, classes ...job.Class) error
	// Wake tells the workers, after the commit.
	Wake(queues ...job.Queue)
}

// Sealer encrypts channel tokens at rest; aad binds a sealed text to its owner.
type Sealer interface {
	Seal(clear, aad string) (string, error)
	Open(sealed, aad string) (string, error)
}

// Options are what a Store needs; all are required but Now, Logger and Registerer.
type Options struct {
	Pool       *pgxpool.Pool
	Jobs       Jobs
	Sealer     Sealer
	Now        func() time.Time      // nil: time.Now
	Logger     *slog.Logger          // nil: nothing is said
	Registerer prometheus.Registerer // nil: metrics are kept but not exposed
}

// Store is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	jobs   Jobs
	sealer Sealer
	now    func() time.Time
	tokens *tokenCache

	sends    *group[acceptance]
	webhooks *group[delivery]
}

// New returns a Store, or an error that names what is missing.
func New(o Options) (*Store, error) {
	if o.Pool == nil || o.Jobs == nil || o.Sealer == nil {
		return nil, errors.New("store: Pool, Jobs and Sealer are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{pool: o.Pool, jobs: o.Jobs, sealer: o.Sealer, now: o.Now, tokens: newTokenCache(o.Now)}
	m := newGroupMetrics(o.Registerer, "send", "webhook")
	s.sends = newGroup(m["send"], o.Logger, groupWork[acceptance]{
		name: "send", lanes: 2, most: mostSendBytes, size: (*acceptance).bytes, run: s.acceptAll,
		line: func(a *acceptance) int64 { return a.conversationID },
	})
	s.webhooks = newGroup(m["webhook"], o.Logger, groupWork[delivery]{
		name: "webhook", lanes: 1, most: mostWebhookBytes, size: (*delivery).bytes, run: s.ingestAll,
		line: func(d *delivery) int64 { return d.held },
	})
	return s, nil
}
