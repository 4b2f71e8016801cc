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

type contextDeleteOptions struct {
	*app

	name string
}

func newContextDeleteCmd(a *app, run func(context.Context, *contextDeleteOptions) error) *cobra.Command {
	o := &contextDeleteOptions{app: a}
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Forget a stored server",
		Long: `Forget a stored server, with its token. Nothing changes on the server itself. If
it was the current one, commands that name no server go to the socket of this
machine after that.`,
		Example:           `  inboxctl context delete "$(inboxctl context current)"`,
		Args:              takes("the NAME of a context"),
		RunE:              does(o, run, runContextDelete, &o.name),
		ValidArgsFunction: a.contextNames,
	}
}

func runContextDelete(_ context.Context, o *contextDeleteOptions) error {
	config, path, err := o.config()
	if err != nil {
		return err
	}
	x, ok := config.Find(o.name)
	if !ok {
		return noContext(o.name, config)
	}
	item := wireContext(x, config)
	config.Remove(x.Name)
	if err := config.Save(path); err != nil {
		return err
	}
	return printOne(o.app, local(o.app, "context", item), func(b *bytes.Buffer, c contextItem, _ time.Time) {
		fmt.Fprintf(b, "Context %s (%s) is forgotten.\n", text.Clean(c.Name), text.Clean(c.Server))
		if c.Current {
			fmt.Fprintf(b, "It was the current one: commands that name no server now go to %s.\n", admin.DefaultServer)
		}
	})
}

// contextNames completes the names of contexts in the shell.
func (a *app) contextNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	config, _, err := a.config()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp // nothing is said while somebody types
	}
	return config.Names(), cobra.ShellCompDirectiveNoFileComp
}
