package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// noOrgs is said where there is nothing because nobody has added an org.
const noOrgs = "There are no orgs: add one with `inboxctl orgs add NAME`."

type orgsListOptions struct {
	*app

	pageFlags
	prefix string
}

func newOrgsListCmd(a *app, run func(context.Context, *orgsListOptions) error) *cobra.Command {
	o := &orgsListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List orgs, the worst first",
		Long: `List orgs, the worst first: those whose oldest ready job has waited for a minute
or longer, then those with dead or uncertain jobs, then those with most work.

READY, OLDEST, DEAD and UNCERTAIN are those of live views, some seconds old:
stale_ms of -o json says how old. The server also sorts by name, or by most of
ready, oldest, dead or uncertain (--sort dead:desc), over all orgs.`,
		Example: `  inboxctl orgs list
  inboxctl orgs list --sort dead:desc --limit 10
  inboxctl orgs list --sort name --limit 100000 -o name`,
		Args: takes(),
		RunE: does(o, run, runOrgsList),
	}
	cmd.Flags().StringVar(&o.prefix, "prefix", "", "only those whose names begin with this `TEXT`")
	o.add(cmd)
	return cmd
}

func runOrgsList(ctx context.Context, o *orgsListOptions) error {
	empty := noOrgs
	if o.prefix != "" {
		empty = fmt.Sprintf("There is no org whose name begins with %q.", o.prefix)
	}
	return showPages(o.app, o.pageFlags, listView[admin.Org]{columns: orgColumns(), empty: empty, orders: orgOrders()},
		func(c *admin.Client, p admin.Page) (admin.List[admin.Org], error) { return c.Orgs(ctx, o.prefix, p) })
}

func orgOrders() map[string]string {
	return map[string]string{
		"": admin.OrgSortWorst, "worst": admin.OrgSortWorst, "name": admin.OrgSortName, "org": admin.OrgSortName,
		"ready:desc": admin.OrgSortReady, "oldest:desc": admin.OrgSortOldest, "oldest_ready_ms:desc": admin.OrgSortOldest, "uncertain:desc": admin.OrgSortUncertain, "dead:desc": admin.OrgSortDead,
	}
}
