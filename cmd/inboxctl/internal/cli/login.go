package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type loginOptions struct {
	*app

	name      string
	protected bool
	readOnly  bool
	colour    string
}

func newLoginCmd(a *app, run func(context.Context, *loginOptions) error) *cobra.Command {
	o := &loginOptions{app: a}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Store a server and a token as a context, and make it current",
		Long: `Store a server and a token as a context, and make it the current one. The server
is asked first, so that a wrong address or token is found now.

The token comes from --token-file (whose path is stored, unless it is -), or is
asked for on a terminal. The socket of this machine needs none.`,
		Example: `  inboxctl login --server unix:///PATH/admin.sock --name here
  inboxctl login --server https://HOST:PORT --token-file FILE --protected`,
		Args: takes(),
		RunE: does(o, run, runLogin),
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "`NAME` of the context (default: the host, or local)")
	f.BoolVar(&o.protected, "protected", false, "every change needs a reason, and the context's name typed")
	f.BoolVar(&o.readOnly, "read-only", false, "refuse every change")
	f.StringVar(&o.colour, "colour", "", "`COLOUR` of its questions: red, green, yellow, blue, magenta, cyan")
	complete(cmd, "colour", contextColours()...)
	return cmd
}

func runLogin(ctx context.Context, o *loginOptions) error {
	if err := checkColour(o.colour); err != nil {
		return err
	}
	x, err := o.entry()
	if err != nil {
		return err
	}
	from := fromDefault
	switch x.Server {
	case o.flags.server:
		from = fromFlag
	case o.Getenv("INBOXCTL_SERVER"):
		from = fromEnv
	}
	client, err := o.dial(target{x, from})
	if err != nil {
		return err
	}
	answer, err := client.Version(ctx)
	if err != nil {
		return err
	}
	config, path, err := o.config()
	if err != nil {
		return err
	}
	config.Put(x)
	config.Use(x.Name)
	if err := config.Save(path); err != nil {
		return err
	}
	return printOne(o.app, local(o.app, "context", wireContext(x, config)), func(b *bytes.Buffer, c contextItem, _ time.Time) {
		fmt.Fprintf(b, "Logged in to inboxd %s at %s; context %s is now current.\n", text.Clean(answer.Item.Version), text.Clean(c.Server), text.Clean(c.Name))
	})
}

// entry is the context to store, with its token.
func (o *loginOptions) entry() (x admin.Context, err error) {
	x = admin.Context{Name: orElse(o.name, o.flags.context), Server: o.flags.server, Protected: o.protected, ReadOnly: o.readOnly, Colour: o.colour}
	x.Server = orElse(x.Server, orElse(o.Getenv("INBOXCTL_SERVER"), admin.DefaultServer))
	u, err := url.Parse(x.Server)
	if err != nil || u.Scheme == "" {
		return x, usagef("--server %q is not an address: write unix:///path, http://host:port or https://host", x.Server)
	}
	x.Name = orElse(x.Name, orElse(u.Hostname(), "local"))
	switch file := orElse(o.flags.tokenFile, o.Getenv("INBOXCTL_TOKEN_FILE")); {
	case file == "" && u.Scheme == "unix":
		return x, nil
	case file == "" && !o.Terminal:
		return x, usagef("name the file with the token with --token-file; - is stdin")
	case file == "":
		x.Token, err = o.askSecret()
	case file == "-":
		x.Token, err = o.readSecret(file)
	default:
		if _, err = o.readSecret(file); err == nil {
			x.TokenFile, err = filepath.Abs(file)
		}
	}
	return x, err
}

// askSecret reads a token from the terminal without showing it.
func (o *loginOptions) askSecret() (string, error) {
	o.note("Token: ")
	f, ok := o.In.(*os.File)
	if !ok {
		return "", usagef("name the file with the token with --token-file")
	}
	raw, err := term.ReadPassword(int(f.Fd()))
	o.note("\n")
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	if secret := admin.TrimToken(raw); secret != "" {
		return secret, nil
	}
	return "", &refusal{"no token was given: nothing was stored"}
}
