package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bandeja/inboxd/admin"
)

// wrongState is a change of named jobs none of which is in the right state: a
// script that went on would believe it was made.
func (v verb) wrongState(skipped []admin.Skip) error {
	words := make([]string, len(skipped))
	for i, s := range skipped {
		words[i] = skipWord(s.Reason)
	}
	is := strings.Join(words, " or ")
	advice := ""
	switch {
	case len(skipped) == 0 || v.kind == admin.OpUndo:
		return conflictf("wrong_state", "%s%s", v.rule, skipsText(skipped))
	case strings.Contains(is, "uncertain"):
		advice = ": whether an uncertain message went out is not known; settle it with `inboxctl jobs resolve ID`"
	}
	return conflictf("wrong_state", "%s; this is %s%s", v.rule, is, advice)
}

// skipsText ends a sentence: ": 40 jobs ran, 2 jobs changed", or nothing.
func skipsText(skipped []admin.Skip) string {
	parts := make([]string, len(skipped))
	for i, s := range skipped {
		parts[i] = plural(s.N, "job") + " " + skipWord(s.Reason)
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// verdict turns what was not done into an exit code: a script that went on would
// trust a change that is not there. What was left alone because it had changed
// meanwhile is no trouble, unless it is everything.
func (v verb) verdict(o admin.Operation) error {
	p := o.Progress
	locked := countSkips(locked(p.Skipped))
	switch {
	case o.State == admin.OpAborted || o.State == admin.OpFailed:
		return v.stopped(o)
	case p.Failed > 0:
		return &partial{fmt.Sprintf("%s could not be changed: see `inboxctl ops show %s --items failed`", plural(p.Failed, v.job), o.ID)}
	case locked > 0:
		return &partial{plural(locked, v.job) + " left alone, busy with another change: repeat the command to go on"}
	case p.Done == 0 && len(p.Skipped) > 0:
		return conflictf("changed", "nothing was changed: every job had changed since the plan; look, and plan again by repeating the command")
	}
	return nil
}

// stopped is the fault of an operation that ended early.
func (v verb) stopped(o admin.Operation) error {
	why := orElse(maybe(o.Error), "an operator aborted it")
	what := fmt.Sprintf("the operation %s after %d of %s: %s", o.State, o.Progress.Done, plural(o.Plan.Matched, v.job), why)
	if o.Progress.Done == 0 {
		return errors.New(what)
	}
	return &partial{what}
}

// locked picks what should have been changed and was not.
func locked(skipped []admin.Skip) (found []admin.Skip) {
	for _, s := range skipped {
		if s.Reason == "locked" || s.Reason == "busy" {
			found = append(found, s)
		}
	}
	return found
}
