package cli

import (
	"bytes"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// resultAnswer is what people see of an operation that was started. Who was not
// asked has not been told the warnings yet.
func (a *app) resultAnswer(v verb, told bool) shower {
	return func(b *bytes.Buffer, r bulkResult, _ time.Time) {
		switch {
		case r.State == admin.OpRunning || r.State == admin.OpAborting:
			a.wrap(b, fmt.Sprintf("Operation %s is %s: %d of %s so far.", r.OperationID, r.State, r.done, plural(r.Matched, v.job)))
		case r.flagged != nil && *r.flagged > 0:
			fmt.Fprintf(b, "%s.\n", v.sentence(fmt.Sprintf("%s %d of", v.done, r.done), r.Matched, r.ByOrg))
			fmt.Fprintf(b, "Asked to stop: %s.\n", plural(*r.flagged, "running job"))
		case r.done < r.Matched:
			fmt.Fprintf(b, "%s.\n", v.sentence(fmt.Sprintf("%s %d of", v.done, r.done), r.Matched, r.ByOrg))
		default:
			fmt.Fprintf(b, "%s.\n", v.sentence(v.done, r.done, r.ByOrg))
		}
		if r.Failed > 0 {
			fmt.Fprintf(b, "Failed: %s.\n", plural(r.Failed, "job"))
		}
		a.skippedText(b, r.Skipped)
		a.outcomeText(b, r)
		if !told {
			a.warningsText(b, r.Warnings)
		}
		a.undoHint(b, v, r)
	}
}

// outcomeText says what became of the jobs that were retried, as far as they
// have run.
func (a *app) outcomeText(b *bytes.Buffer, r bulkResult) {
	if r.Succeeded == nil || r.FailedAgain == nil || r.ran() == 0 {
		return
	}
	a.wrap(b, fmt.Sprintf("Since then: %d succeeded, %d failed again.", *r.Succeeded, *r.FailedAgain))
}

// ran counts the jobs that have run since, as far as that is known.
func (r bulkResult) ran() (n int64) {
	for _, part := range []*int64{r.Succeeded, r.FailedAgain} {
		if part != nil {
			n += *part
		}
	}
	return n
}

// undoHint names the operation, and the way back where there is one.
func (a *app) undoHint(b *bytes.Buffer, v verb, r bulkResult) {
	switch {
	case r.State == admin.OpRunning || r.State == admin.OpAborting:
		fmt.Fprintf(b, "Watch it: inboxctl ops watch %s\nStop it: inboxctl ops abort %s\n", r.OperationID, r.OperationID)
	case r.Undo.Possible && r.done > r.ran():
		fmt.Fprintf(b, "Undo, while %s: inboxctl ops undo %s\n", v.while, r.OperationID)
	}
}
