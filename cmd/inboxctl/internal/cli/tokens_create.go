package cli

import (
	"bytes"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type tokensCreateOptions struct {
	*app

	change          changeFlags
	org, user, role string
	expiresIn       string
}

func newTokensCreateCmd(a *app, run func(context.Context, *tokensCreateOptions) error) *cobra.Command {
	o := &tokensCreateOptions{app: a}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a token; its secret is shown once",
		Long: `Make a token. Without --role it is for the public API of an org, perhaps for one
of its users, and never expires unless told. With --role it is for operators,
for all orgs unless --org binds it to one, and lives 90 days at most.

The secret is shown once and stored nowhere: -o name prints nothing else.`,
		Example: `  inboxctl tokens create --org acme
  inboxctl tokens create --role viewer --expires-in 30d -o name`,
		Args: takes(),
		RunE: does(o, run, runTokensCreate),
	}
	f := cmd.Flags()
	f.StringVar(&o.org, "org", "", "for this `ORG`")
	f.StringVar(&o.user, "user", "", "an API token that acts as this `USER` of the org")
	f.StringVar(&o.role, "role", "", "an admin token with this `ROLE`: viewer, operator, admin")
	f.StringVar(&o.expiresIn, "expires-in", "", "`DURATION` until it expires, such as 30d")
	complete(cmd, "role", roles()...)
	o.change.add(cmd)
	return cmd
}

func roles() []string {
	return []string{string(admin.Viewer), string(admin.Operator), string(admin.Admin)}
}

func (o *tokensCreateOptions) request() (admin.TokenCreate, error) {
	r := admin.TokenCreate{Org: o.org, User: o.user, Role: admin.Role(o.role), Reason: o.change.reason}
	switch {
	case o.role == "" && o.org == "":
		return r, usagef("say whose token it is: --org for an API token, --role for an admin token")
	case o.role != "" && o.user != "":
		return r, usagef("a token is either a user's (--user) or an operator's (--role), not both")
	case o.role != "":
		if err := checkWord("role", "--role", o.role, roles()); err != nil {
			return r, err
		}
	}
	if o.expiresIn != "" {
		d, err := parseDuration("--expires-in", o.expiresIn)
		if err != nil {
			return r, err
		}
		if d < time.Second {
			return r, usagef("--expires-in %s is over at once: use for example 30d", o.expiresIn)
		}
		r.ExpiresInMS = d.Milliseconds()
	}
	return r, nil
}

func runTokensCreate(ctx context.Context, o *tokensCreateOptions) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.CreateToken(ctx, request)
	if err != nil {
		return err
	}
	if o.flags.output == "name" { // The id alone would lose the secret for ever.
		return o.flush(bytes.NewBufferString(answer.Item.Token+"\n"), nil)
	}
	if err := printOne(o.app, answer, tokenText); err != nil {
		return err
	}
	if o.people() {
		o.note("Keep it now: it cannot be shown again.\n")
	}
	return nil
}

func tokenText(b *bytes.Buffer, t admin.Token, _ time.Time) {
	expires := "never"
	if t.ExpiresAt != nil {
		expires = agoText(t.ExpiresAt, t.CreatedAt)
	}
	writePairs(b, pair{"token", t.Token}, pair{"id", t.ID}, pair{"org", maybe(t.Org)},
		pair{"user", maybe(t.User)}, pair{"role", maybe(t.Role)}, pair{"expires", expires})
}
