package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// unfinished is a change that is stored and not applied by every process yet, and
// has printed how far it got: it exits 8.
type unfinished struct{ text string }

func (e *unfinished) Error() string { return e.text }

// everywhere turns a change that has not reached every process into exit 8: a
// script that went on would trust a pause that one process does not have.
func everywhere(a *admin.Applied) error {
	switch {
	case a == nil || a.Everywhere():
		return nil
	case a.Error != nil:
		return &unfinished{"the change is stored, but who has applied it is not known: " + *a.Error}
	}
	return &unfinished{fmt.Sprintf("the change is stored, but not applied yet by %s: `inboxctl status` shows whether it lives", strings.Join(a.Missing, ", "))}
}

// appliedText ends a line that says what was changed.
func appliedText(a *admin.Applied) string {
	if a == nil {
		return ". Nothing was changed."
	}
	return ": " + a.Text() + "."
}

// asked connects for a change that asks first, unless --yes; the question has the
// numbers of a dry run.
func (a *app) asked(ctx context.Context, c changeFlags, question func(context.Context, *admin.Client) (string, error)) (*admin.Client, error) {
	if err := a.mayAsk(c); err != nil {
		return nil, err
	}
	client, t, err := a.change(ctx, c)
	if err != nil || c.yes {
		return client, err
	}
	what, err := question(ctx, client)
	if err != nil {
		return nil, err
	}
	return client, a.confirm(ctx, text.Clean(fmt.Sprintf("%s on %s?", what, orElse(t.Name, t.Server))))
}

// act makes a change: a dry run at once, anything else after asking.
func (a *app) act(ctx context.Context, dryRun bool, c changeFlags, question func(context.Context, *admin.Client) (string, error),
	do func(context.Context, *admin.Client) error,
) error {
	if !dryRun {
		client, err := a.asked(ctx, c, question)
		if err != nil {
			return err
		}
		return do(ctx, client)
	}
	client, _, err := a.connect()
	if err != nil {
		return err
	}
	err = do(ctx, client)
	if e, ok := errors.AsType[*admin.Error](err); ok && e.Code == admin.CodeInterrupted {
		return &interrupted{nothingChanged}
	}
	return err
}

// lasting is the flag of what ends by itself.
type lasting struct {
	raw   string
	given func(flag string) bool
}

func (l *lasting) add(cmd *cobra.Command, otherwise string) {
	l.given = cmd.Flags().Changed
	cmd.Flags().StringVar(&l.raw, "for", "", "only for this `DURATION`, such as 30m, 2h or 3d ("+otherwise+")")
}

// duration returns 0 for no end.
func (l *lasting) duration() (time.Duration, error) {
	if l.raw == "" {
		if l.given("for") {
			return 0, usagef("--for is given but empty")
		}
		return 0, nil
	}
	d, err := parseDuration("--for", l.raw)
	if err == nil && d < time.Second {
		return 0, usagef("--for %s is over at once: use for example 1h", l.raw)
	}
	return d, err
}

// forText says how long something will last: " for 1h00m", or nothing.
func forText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " for " + text.Age(d)
}

func dryRunFlag(cmd *cobra.Command, dryRun *bool) {
	cmd.Flags().BoolVar(dryRun, "dry-run", false, "show what would change, and change nothing")
}

// printChange prints what a change did, and fails if it has not reached every
// process.
func printChange[T any](a *app, answer admin.One[T], applied *admin.Applied, show func(*bytes.Buffer, T, time.Time)) error {
	if err := printOne(a, answer, show); err != nil {
		return err
	}
	return everywhere(applied)
}
