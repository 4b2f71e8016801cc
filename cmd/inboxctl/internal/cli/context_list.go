package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type contextListOptions struct {
	*app
}

func newContextListCmd(a *app, run func(context.Context, *contextListOptions) error) *cobra.Command {
	o := &contextListOptions{app: a}
	return &cobra.Command{
		Use:     "list",
		Short:   "List stored servers",
		Example: `  inboxctl context list`,
		Args:    takes(),
		RunE:    does(o, run, runContextList),
	}
}

func runContextList(_ context.Context, o *contextListOptions) error {
	config, _, err := o.config()
	if err != nil {
		return err
	}
	l := admin.List[contextItem]{Kind: "contexts", Items: []contextItem{}, AsOf: o.Now().UTC()}
	for _, x := range config.Contexts {
		l.Items = append(l.Items, wireContext(x, config))
	}
	return printList(o.app, l, listView[contextItem]{columns: contextColumns(), empty: "No server is stored: use `inboxctl login`."})
}
