package ledger

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// DrainWorker asks a process to take no new work, under the control version it
// returns: the process reads that with everything else operators set. It
// returns a Conflict for one that cannot be asked: it is gone or leaves already.
func (l *Ledger) DrainWorker(ctx context.Context, id int64, by string) (version int64, err error) {
	return l.turnWorker(ctx, "drain a worker", id, `
UPDATE workers SET draining = true, drained_by = $2
WHERE id = $1 AND dead_at IS NULL AND mode <> 'api' AND (NOT draining OR drained_by <> '')`, by)
}

// UndrainWorker lets a process take work again that an operator had drained. One
// that leaves by itself is a Conflict.
func (l *Ledger) UndrainWorker(ctx context.Context, id int64) (version int64, err error) {
	return l.turnWorker(ctx, "undrain a worker", id, `
UPDATE workers SET draining = false, drained_by = '' WHERE id = $1 AND dead_at IS NULL AND (NOT draining OR drained_by <> '')`)
}

func (l *Ledger) turnWorker(ctx context.Context, what string, id int64, sql string, args ...any) (int64, error) {
	return l.change(ctx, what, func(tx pgx.Tx) (audit.Record, error) {
		tag, err := tx.Exec(ctx, sql, append([]any{id}, args...)...)
		if err == nil && tag.RowsAffected() == 0 {
			return audit.Record{}, inbox.Faultf(inbox.Conflict, "worker_leaving", "the process %d is leaving or gone: see `inboxctl workers list`", id)
		}
		return audit.Record{Target: "worker " + strconv.FormatInt(id, 10), After: map[string]any{"change": what}}, err
	})
}
