package cli

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type tokensRevokeOptions struct {
	*app

	change changeFlags
	id     string
	dryRun bool
}

func newTokensRevokeCmd(a *app, run func(context.Context, *tokensRevokeOptions) error) *cobra.Command {
	o := &tokensRevokeOptions{app: a}
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token for ever",
		Long: `End a token for ever. No process takes it any more within 5s; an admin token is
refused at once. A token that is revoked already stays as it is.`,
		Example: `  inboxctl tokens revoke 5 --reason "laptop lost" --yes`,
		Args:    takes("the ID of the token"),
		RunE:    does(o, run, runTokensRevoke, &o.id),
	}
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

func runTokensRevoke(ctx context.Context, o *tokensRevokeOptions) error {
	if n, err := strconv.ParseInt(o.id, 10, 64); err != nil || n <= 0 {
		return usagef("%q is not the id of a token: ids are numbers, `inboxctl tokens list` shows them", o.id)
	}
	request := admin.TokenRevoke{ID: o.id, DryRun: o.dryRun, Reason: o.change.reason}
	return o.act(ctx, o.dryRun, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
		dry := request
		dry.DryRun = true
		t, err := c.RevokeToken(ctx, dry)
		return "Revoke " + tokenWords(t.Item, t.AsOf), err
	}, func(ctx context.Context, c *admin.Client) error { return o.revoke(ctx, c, request) })
}

func (o *tokensRevokeOptions) revoke(ctx context.Context, c *admin.Client, r admin.TokenRevoke) error {
	answer, err := c.RevokeToken(ctx, r)
	if err != nil {
		return err
	}
	return printOne(o.app, answer, func(b *bytes.Buffer, t admin.TokenInfo, asOf time.Time) {
		if r.DryRun {
			fmt.Fprintf(b, "Would revoke %s. Nothing was changed.\n", tokenWords(t, asOf))
			return
		}
		fmt.Fprintf(b, "Revoked %s: no process takes it within 5s from now.\n", tokenWords(t, asOf))
	})
}

// tokenWords names a token as people know it: "token 5 (operator, of acme, last
// used 3m20s ago)".
func tokenWords(t admin.TokenInfo, asOf time.Time) string {
	words := orElse(maybe(t.Role), "api")
	if t.Org != nil {
		words += ", of " + *t.Org
	}
	if t.User != nil {
		words += ", acts as " + *t.User
	}
	if t.LastUsedAt == nil {
		words += ", never used"
	} else {
		words += ", last used " + agoText(t.LastUsedAt, asOf)
	}
	return text.Clean("token " + t.ID + " (" + words + ")")
}
