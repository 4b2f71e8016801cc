package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui"
)

// severities lists the words of --fail-on.
func severities() []string { return []string{"warn", "crit"} }

// alarm is what --fail-on was asked to find: it exits 3, as what is not as it
// should be does elsewhere.
type alarm struct{ text string }

func (e *alarm) Error() string { return e.text }

// watchful is a source that remembers the last picture, to judge it once it has
// been printed.
type watchful struct {
	tui.Source

	last *admin.One[admin.Top]
}

func (w *watchful) Top(ctx context.Context, series int) (admin.One[admin.Top], error) {
	answer, err := w.Source.Top(ctx, series)
	if err == nil {
		w.last = &answer
	}
	return answer, err
}

// judge returns an alarm if there are alerts of a severity, or worse ones. What
// could not be read is no reason to be calm.
func (w *watchful) judge(ctx context.Context, failOn string) error {
	if w.last == nil { // what was printed needed none
		if _, err := w.Top(ctx, 0); err != nil {
			return err
		}
	}
	for _, p := range w.last.Item.Parts {
		if !p.OK {
			return &admin.Error{Kind: admin.Temporary, Code: "not_known", Text: fmt.Sprintf("whether there are alerts is not known: %s: %s", p.Name, orElse(maybe(p.Error), "no answer"))}
		}
	}
	critical, warning := 0, 0
	for _, a := range w.last.Item.Alerts {
		switch {
		case a.Muted != nil:
		case a.Severity == "critical":
			critical++
		default:
			warning++
		}
	}
	var found []string
	if critical > 0 {
		found = append(found, plural(int64(critical), "critical alert"))
	}
	if warning > 0 && failOn == "warn" {
		found = append(found, plural(int64(warning), "warning"))
	}
	if len(found) == 0 {
		return nil
	}
	return &alarm{strings.Join(found, ", ")}
}
