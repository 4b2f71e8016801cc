package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type limitsListOptions struct {
	*app

	org string
}

func newLimitsListCmd(a *app, run func(context.Context, *limitsListOptions) error) *cobra.Command {
	o := &limitsListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what each org may do now",
		Long: `List what each org may do now, by org, and where each value comes from: default;
own, set for the org; or temporary, with its end and what is in force then.

send_text, send_template, retry and assign are rates. weight is the share of an
org when several wait, concurrency the most jobs of an org under way at once.

Of one org it is also said how much is USED now, how many ready jobs are WAITING
for it, and when the NEXT one may leave.`,
		Example: `  inboxctl limits list
  inboxctl limits list --org acme -o wide`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return pick(run, runLimitsList)(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	return cmd
}

func runLimitsList(ctx context.Context, o *limitsListOptions) error {
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	all := admin.List[admin.Limit]{Items: []admin.Limit{}}
	for cursor := ""; ; cursor = *all.Next {
		page, err := client.Limits(ctx, o.org, cursor)
		if err != nil {
			return err
		}
		page.Items = append(all.Items, page.Items...)
		if all = page; page.Next == nil || *page.Next == cursor {
			break
		}
	}
	columns := limitColumns()
	if o.org != "" {
		columns = limitUseColumns()
	}
	return printList(o.app, all, listView[admin.Limit]{columns: columns, empty: "There are no orgs: add one with `inboxctl orgs add NAME`."})
}
