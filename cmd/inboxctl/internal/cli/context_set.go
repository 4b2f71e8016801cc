package cli

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type contextSetOptions struct {
	*app

	name                string
	protected, readOnly bool
	colour              string
	given               func(flag string) bool
}

func newContextSetCmd(a *app, run func(context.Context, *contextSetOptions) error) *cobra.Command {
	o := &contextSetOptions{app: a}
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Change how careful a stored server is treated",
		Long: `Change a stored server: whether changes need a reason and the typed name
(protected) or are refused (read-only), the colour of its questions, its address
(--server) or its token (--token-file). What is not named stays.`,
		Example: `  inboxctl context set prod --protected --colour red
  inboxctl context set prod --read-only=false`,
		Args: takes("the NAME of a context"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name, o.given = args[0], cmd.Flags().Changed
			return pick(run, runContextSet)(cmd.Context(), o)
		},
		ValidArgsFunction: a.contextNames,
	}
	cmd.Flags().BoolVar(&o.protected, "protected", false, "every change needs a reason, and the context's name typed")
	cmd.Flags().BoolVar(&o.readOnly, "read-only", false, "refuse every change")
	cmd.Flags().StringVar(&o.colour, "colour", "", "`COLOUR` of its questions: red, green, yellow, blue, magenta, cyan; empty: none")
	complete(cmd, "colour", contextColours()...)
	return cmd
}

func (o *contextSetOptions) apply(x *admin.Context) error {
	if !o.given("protected") && !o.given("read-only") && !o.given("colour") && o.flags.server == "" && o.flags.tokenFile == "" {
		return usagef("say what to set: --protected, --read-only, --colour, --server or --token-file")
	}
	if err := checkColour(o.colour); err != nil {
		return err
	}
	if o.given("protected") {
		x.Protected = o.protected
	}
	if o.given("read-only") {
		x.ReadOnly = o.readOnly
	}
	if o.given("colour") {
		x.Colour = o.colour
	}
	x.Server = orElse(o.flags.server, x.Server)
	return o.setToken(x)
}

func (o *contextSetOptions) setToken(x *admin.Context) error {
	if o.flags.tokenFile == "" {
		return nil
	}
	secret, err := o.readSecret(o.flags.tokenFile)
	if err != nil {
		return err
	}
	if o.flags.tokenFile == "-" {
		x.Token, x.TokenFile = secret, ""
		return nil
	}
	x.Token = ""
	x.TokenFile, err = filepath.Abs(o.flags.tokenFile)
	return err
}

func runContextSet(_ context.Context, o *contextSetOptions) error {
	config, path, err := o.config()
	if err != nil {
		return err
	}
	x, ok := config.Find(o.name)
	if !ok {
		return noContext(o.name, config)
	}
	if err := o.apply(&x); err != nil {
		return err
	}
	if _, err := admin.NewClient(admin.Options{Server: x.Server}); err != nil {
		return err
	}
	config.Put(x)
	if err := config.Save(path); err != nil {
		return err
	}
	return printOne(o.app, local(o.app, "context", wireContext(x, config)), func(b *bytes.Buffer, c contextItem, asOf time.Time) {
		fmt.Fprintf(b, "Context %s is changed.\n", text.Clean(c.Name))
		writeTable(b, contextColumns(), []contextItem{c}, asOf, false, !o.flags.noHeaders)
	})
}
