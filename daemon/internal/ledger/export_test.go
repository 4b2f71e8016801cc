package ledger

import (
	"context"

	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// Operate plans, commits and carries out an operation in one call.
func (l *Ledger) Operate(ctx context.Context, r operation.Request) (operation.Operation, error) {
	return l.operate(ctx, r)
}

// ScanSQL returns the statements by which a plan reads.
func ScanSQL(kind operation.Kind, f inspect.Filter) (list []string, args [][]any) {
	for _, b := range branches(kind, f) {
		sql, a := scanSQL(b, f)
		list, args = append(list, sql), append(args, a)
	}
	return list, args
}
