package ledger

import (
	"context"

	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// Operate plans, commits and carries out an operation in one call.
func (l *Ledger) Operate(ctx context.Context, r operation.Request) (operation.Operation, error) {
	return l.operate(ctx, r)
}
