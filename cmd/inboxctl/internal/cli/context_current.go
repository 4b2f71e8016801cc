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

type contextCurrentOptions struct {
	*app
}

func newContextCurrentCmd(a *app, run func(context.Context, *contextCurrentOptions) error) *cobra.Command {
	o := &contextCurrentOptions{app: a}
	return &cobra.Command{
		Use:     "current",
		Short:   "Show the current server",
		Long:    "Show the name of the current context. Without one it exits 5, and commands go to the socket of this machine.",
		Example: `  inboxctl context current`,
		Args:    takes(),
		RunE:    does(o, run, runContextCurrent),
	}
}

func runContextCurrent(_ context.Context, o *contextCurrentOptions) error {
	config, _, err := o.config()
	if err != nil {
		return err
	}
	x, ok := config.Find(config.Current)
	if !ok {
		return &admin.Error{
			Kind: admin.NotFound, Code: "no_context",
			Text: "no context is current: commands go to " + admin.DefaultServer + "; see `inboxctl login`",
		}
	}
	return printOne(o.app, local(o.app, "context", wireContext(x, config)), func(b *bytes.Buffer, c contextItem, _ time.Time) {
		fmt.Fprintln(b, text.Clean(c.Name))
	})
}
