package cli

import (
	"bytes"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// verb is what one kind of operation is called, and what it changes.
type verb struct {
	kind   string   // of the operation
	states []string // that it changes, as --state takes them
	rule   string   // such as: only dead jobs can be retried
	every  string   // what --all is, such as every dead one
	job    string   // what it changes one of: dead job
	do     string   // Retry
	done   string   // Retried
	how    string   // what follows the number: " as sent", or nothing
	while  string   // it can be taken back: jobs have not begun to run
	runs   bool     // its jobs run afterwards, so that a canary tells something
	answer printer  // the answer to programs and people
}

// printer writes an answer with the field of its verb in it.
type printer func(a *app, answer admin.One[bulkResult], show shower) error

// shower is what people see of an answer.
type shower func(b *bytes.Buffer, r bulkResult, asOf time.Time)

// answers makes a printer; as adds the field of the verb.
func answers[T any](as func(bulkResult) T) printer {
	return func(a *app, answer admin.One[bulkResult], show shower) error {
		if a.flags.output == "name" {
			return a.flush(bytes.NewBufferString(text.Clean(answer.Item.OperationID)+"\n"), nil)
		}
		wire := admin.One[T]{Kind: answer.Kind, Item: as(answer.Item), AsOf: answer.AsOf, StaleMS: answer.StaleMS}
		return printOne(a, wire, func(b *bytes.Buffer, _ T, asOf time.Time) { show(b, answer.Item, asOf) })
	}
}

// bulkResult says what a change of many jobs did or, as a dry run, would do:
// the plan of its operation and what has become of it. Each verb adds a field
// that counts what it did (retried, cancelled, ...). Matched, ByOrg and what
// follows it are the plan's. Skipped were left alone, by the plan or because
// they had changed since. Error is null unless the operation ended early.
type bulkResult struct {
	DryRun        bool             `json:"dry_run"`
	OperationID   string           `json:"operation_id"`
	State         string           `json:"state"` // of the operation
	Matched       int64            `json:"matched"`
	Failed        int64            `json:"failed"`
	Skipped       []admin.Skip     `json:"skipped"`
	ByOrg         []admin.OrgCount `json:"by_org"`
	Customers     *int64           `json:"customers"`
	OutsideWindow *int64           `json:"outside_window"`
	MaybeSent     *int64           `json:"maybe_sent"`
	Warnings      []string         `json:"warnings"`
	Undo          admin.Undo       `json:"undo"`
	Succeeded     *int64           `json:"succeeded"`
	FailedAgain   *int64           `json:"failed_again"`
	Error         *string          `json:"error"`

	done    int64  // the field of the verb
	flagged *int64 // of a cancel
}

// resultOf sums up an operation for who asked for it.
func resultOf(o admin.One[admin.Operation], dryRun bool) admin.One[bulkResult] {
	p, plan := o.Item.Progress, o.Item.Plan
	return admin.One[bulkResult]{
		Kind: o.Item.Kind, AsOf: o.AsOf, StaleMS: o.StaleMS,
		Item: bulkResult{
			DryRun: dryRun, OperationID: o.Item.ID, State: o.Item.State, Matched: max(plan.Matched, p.Done), Failed: p.Failed,
			Skipped: addSkips(plan.Skipped, p.Skipped), ByOrg: orEmpty(plan.ByOrg), Customers: plan.Customers,
			OutsideWindow: plan.OutsideWindow, MaybeSent: plan.MaybeSent, Warnings: orEmpty(plan.Warnings), Undo: plan.Undo,
			Succeeded: p.Succeeded, FailedAgain: p.FailedAgain, Error: o.Item.Error, done: p.Done,
		},
	}
}

// addSkips joins what was left alone for the same reason.
func addSkips(all ...[]admin.Skip) []admin.Skip {
	sum := []admin.Skip{}
	for _, skips := range all {
	next:
		for _, s := range skips {
			for i := range sum {
				if sum[i].Reason == s.Reason {
					sum[i].N += s.N
					continue next
				}
			}
			sum = append(sum, s)
		}
	}
	return sum
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func countSkips(skips []admin.Skip) (n int64) {
	for _, s := range skips {
		n += s.N
	}
	return n
}

// verbOf returns the verb of an operation that somebody else may have started.
func verbOf(o admin.Operation) verb {
	switch o.Kind {
	case admin.OpRetry:
		return retryVerb()
	case admin.OpCancel:
		return cancelVerb()
	case admin.OpDiscard:
		return discardVerb()
	case admin.OpHold:
		return holdVerb()
	case admin.OpRelease:
		return releaseVerb()
	case admin.OpResolve:
		return resolveVerb(maybe(o.As))
	case admin.OpUndo:
		return undoVerb(maybe(o.UndoOf))
	}
	return verb{kind: o.Kind, job: "job", do: o.Kind, done: o.Kind + ":"} // Of a newer server.
}
