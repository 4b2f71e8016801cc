package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type tokensListOptions struct {
	*app

	org string
}

func newTokensListCmd(a *app, run func(context.Context, *tokensListOptions) error) *cobra.Command {
	o := &tokensListOptions{app: a}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List tokens, all or of one org; never their secrets",
		Example: `  inboxctl tokens list`,
		Args:    takes(),
		RunE:    does(o, run, runTokensList),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	return cmd
}

func runTokensList(ctx context.Context, o *tokensListOptions) error {
	return showList(o.app, listView[admin.TokenInfo]{columns: tokenColumns(), empty: "There are no tokens: make one with `inboxctl tokens create`."},
		func(c *admin.Client) (admin.List[admin.TokenInfo], error) { return c.Tokens(ctx, o.org) })
}

func tokenColumns() []column[admin.TokenInfo] {
	type token = admin.TokenInfo
	return []column[token]{
		{name: "TOKEN", right: true, cell: func(t token, _ time.Time) string { return t.ID }},
		{name: "FOR", cell: func(t token, _ time.Time) string { return orElse(maybe(t.Role), "api") }},
		{name: "ORG", cell: func(t token, _ time.Time) string { return orElse(maybe(t.Org), "all") }},
		{name: "USER", cell: func(t token, _ time.Time) string { return maybe(t.User) }},
		{name: "STATE", cell: func(t token, _ time.Time) string { return t.State }},
		{name: "LAST USED", cell: func(t token, asOf time.Time) string { return orElse(agoText(t.LastUsedAt, asOf), "never") }},
		{name: "EXPIRES", cell: func(t token, asOf time.Time) string { return orElse(agoText(t.ExpiresAt, asOf), "never") }},
		{name: "CREATED", wide: true, cell: func(t token, asOf time.Time) string { return agoText(&t.CreatedAt, asOf) }},
		{name: "BY", wide: true, cell: func(t token, _ time.Time) string { return maybe(t.CreatedBy) }},
	}
}
