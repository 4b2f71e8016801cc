package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type auditListOptions struct {
	*app

	pageFlags
	filter       admin.AuditFilter
	since, until string
}

func newAuditListCmd(a *app, run func(context.Context, *auditListOptions) error) *cobra.Command {
	o := &auditListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List changes, newest first",
		Long: `List what operators have changed, newest first. Refused changes and dry runs are
not among them: they are in the daemon's log.`,
		Example: `  inboxctl audit list --since 24h
  inboxctl audit list --actor token:5 --action holds.add -o wide`,
		Args: takes(),
		RunE: does(o, run, runAuditList),
	}
	f := cmd.Flags()
	f.StringVar(&o.filter.Org, "org", "", "only what concerns this `ORG`")
	f.StringVar(&o.filter.Actor, "actor", "", "only by this `ACTOR`, such as token:5 or local:1000")
	f.StringVar(&o.filter.Action, "action", "", "only this `ACTION`, such as ops.commit or limits.set")
	f.StringVar(&o.since, "since", "", "not before this `TIME`: an age such as 2h, a day, or an instant")
	f.StringVar(&o.until, "until", "", "before this `TIME`")
	o.add(cmd)
	return cmd
}

func runAuditList(ctx context.Context, o *auditListOptions) error {
	var err error
	if o.filter.Since, o.filter.Until, err = parseSpan(o.since, o.until, o.Now()); err != nil {
		return err
	}
	ask := func(c *admin.Client, p admin.Page) (admin.List[admin.AuditEntry], error) {
		return c.Audit(ctx, o.filter, p)
	}
	const empty = "No change matches."
	if o.flags.output != "csv" {
		return showPages(o.app, o.pageFlags, listView[admin.AuditEntry]{columns: auditColumns(), empty: empty}, ask)
	}
	return showPages(o.app, o.pageFlags, listView[auditRow]{empty: empty}, func(c *admin.Client, p admin.Page) (admin.List[auditRow], error) {
		page, err := ask(c, p)
		if err != nil {
			return admin.List[auditRow]{}, err
		}
		return auditRows(page)
	})
}

// auditRow is an entry whose detail is one cell: what is in it differs from row
// to row.
type auditRow struct {
	admin.AuditEntry

	Detail string `json:"detail"`
}

func auditRows(l admin.List[admin.AuditEntry]) (admin.List[auditRow], error) {
	rows := admin.List[auditRow]{Kind: l.Kind, Next: l.Next, AsOf: l.AsOf, StaleMS: l.StaleMS}
	for _, e := range l.Items {
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return rows, fmt.Errorf("write the detail of entry %s: %w", e.ID, err)
		}
		rows.Items = append(rows.Items, auditRow{e, string(detail)})
	}
	return rows, nil
}
