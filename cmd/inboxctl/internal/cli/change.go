package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// changeFlags are taken by every command that changes something.
type changeFlags struct {
	yes    bool
	reason string
}

func (c *changeFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask")
	cmd.Flags().StringVar(&c.reason, "reason", "", "`TEXT` for the record: why (needed in a protected context)")
}

// change connects for a change. What the context forbids is refused before the
// server is asked anything.
func (a *app) change(ctx context.Context, c changeFlags) (*admin.Client, target, error) {
	t, err := a.resolve()
	if err != nil {
		return nil, t, err
	}
	switch {
	case len(c.reason) > admin.MaxReason:
		return nil, t, usagef("--reason is longer than %d bytes", admin.MaxReason)
	case t.ReadOnly:
		return nil, t, &admin.Error{
			Kind: admin.Forbidden, Code: "read_only",
			Text: fmt.Sprintf("context %s is read-only: nothing was sent, nothing was changed", t.Name),
		}
	case t.Protected && strings.TrimSpace(c.reason) == "":
		return nil, t, &refusal{fmt.Sprintf("context %s is protected: say why with --reason", t.Name)}
	}
	a.target = t
	if t.Protected && !c.yes {
		if err := a.retype(ctx, t.Name); err != nil {
			return nil, t, err
		}
	}
	client, err := a.dial(t)
	return client, t, err
}

// mayAsk refuses, before anything is counted, a change that has to ask where
// nobody can answer.
func (a *app) mayAsk(c changeFlags) error {
	if !c.yes && !a.Terminal {
		return &refusal{fmt.Sprintf("`%s` asks before it changes anything, and there is nobody to ask here; nothing was counted or changed: look with --dry-run, then repeat with --yes", a.doing)}
	}
	return nil
}

// confirm asks a question that has the numbers. Only "y" and "yes" agree, and
// Ctrl-C is an answer too.
func (a *app) confirm(ctx context.Context, question string) error {
	a.note("%s%s [y/N] ", a.badge(), question)
	answer, err := a.hear(ctx)
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	return &refusal{"not confirmed: nothing was changed"}
}

// hear waits for a line, or for Ctrl-C.
func (a *app) hear(ctx context.Context) (string, error) {
	said := make(chan string, 1)
	go func() { said <- a.answer() }() // It may read for ever; then the process ends.
	select {
	case answer := <-said:
		return answer, nil
	case <-ctx.Done():
		a.note("\n")
		return "", &interrupted{nothingChanged}
	}
}

// retype asks for the name of a protected context.
func (a *app) retype(ctx context.Context, name string) error {
	if !a.Terminal {
		return &refusal{fmt.Sprintf("context %s is protected: repeat with --yes", name)}
	}
	a.note("%sContext %s is protected. Type its name to go on: ", a.badge(), name)
	answer, err := a.hear(ctx)
	if err != nil {
		return err
	}
	if answer != name {
		return &refusal{"not confirmed: nothing was changed"}
	}
	return nil
}

func (a *app) answer() string {
	line, _ := a.lines.ReadString('\n') // An end without a line is an empty answer.
	return strings.TrimSpace(line)
}
