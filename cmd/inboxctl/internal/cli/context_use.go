package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type contextUseOptions struct {
	*app

	name string
}

func newContextUseCmd(a *app, run func(context.Context, *contextUseOptions) error) *cobra.Command {
	o := &contextUseOptions{app: a}
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Make a stored server the current one; - is the previous",
		Example: `  inboxctl context use "$(inboxctl context list -o name | head -n 1)"
  inboxctl context use -`,
		Args:              takes("the NAME of a context"),
		RunE:              does(o, run, runContextUse, &o.name),
		ValidArgsFunction: a.contextNames,
	}
}

func runContextUse(_ context.Context, o *contextUseOptions) error {
	config, path, err := o.config()
	if err != nil {
		return err
	}
	name := o.name
	if name == "-" {
		if name = config.Previous; name == "" {
			return &admin.Error{Kind: admin.NotFound, Code: "no_previous_context", Text: "there is no previous context: name one, see `inboxctl context list`"}
		}
	}
	x, ok := config.Find(name)
	if !ok {
		return noContext(name, config)
	}
	config.Use(x.Name)
	if err := config.Save(path); err != nil {
		return err
	}
	return printOne(o.app, local(o.app, "context", wireContext(x, config)), func(b *bytes.Buffer, c contextItem, _ time.Time) {
		fmt.Fprintf(b, "Context %s (%s) is now current.\n", text.Clean(c.Name), text.Clean(c.Server))
	})
}
