package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type auditListOptions struct {
	*app

	filter       admin.AuditFilter
	since, until string
	limit        int
	cursor       string
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
		RunE: func(cmd *cobra.Command, _ []string) error { return pick(run, runAuditList)(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.filter.Org, "org", "", "only what concerns this `ORG`")
	f.StringVar(&o.filter.Actor, "actor", "", "only by this `ACTOR`, such as token:5 or local:1000")
	f.StringVar(&o.filter.Action, "action", "", "only this `ACTION`, such as jobs.retry or limits.set")
	f.StringVar(&o.since, "since", "", "not before this `TIME`: an age such as 2h, a day, or an instant")
	f.StringVar(&o.until, "until", "", "before this `TIME`")
	f.IntVar(&o.limit, "limit", defaultLimit, "at most so many")
	f.StringVar(&o.cursor, "cursor", "", "go on after this `CURSOR`, the next of an earlier list")
	return cmd
}

func (o *auditListOptions) check() (err error) {
	if o.limit < 1 || o.limit > maxLimit {
		return usagef("--limit %d is not possible: use 1 to %d", o.limit, maxLimit)
	}
	if o.filter.Since, err = parseTime("--since", o.since, o.Now()); err != nil {
		return err
	}
	o.filter.Until, err = parseTime("--until", o.until, o.Now())
	return err
}

func runAuditList(ctx context.Context, o *auditListOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := o.pages(ctx, client)
	if err != nil {
		return err
	}
	if o.flags.output == "csv" {
		return o.printRows(answer)
	}
	err = printList(o.app, answer, listView[admin.AuditEntry]{columns: auditColumns(), empty: "No change matches."})
	if err == nil && answer.Next != nil && o.people() {
		o.note("There are more: raise --limit, or go on with --cursor %s\n", text.Clean(*answer.Next))
	}
	return err
}

func (o *auditListOptions) pages(ctx context.Context, client *admin.Client) (all admin.List[admin.AuditEntry], err error) {
	cursor := o.cursor
	all.Items = []admin.AuditEntry{}
	for {
		page, err := client.Audit(ctx, o.filter, admin.Page{Cursor: cursor, Limit: min(o.limit-len(all.Items), pageSize)})
		if err != nil {
			return all, err
		}
		page.Items = append(all.Items, page.Items...)
		all = page
		if page.Next == nil || len(all.Items) >= o.limit {
			return all, nil
		}
		cursor = *page.Next
	}
}

// auditRow is an entry whose detail is one cell: what is in it differs from row
// to row.
type auditRow struct {
	admin.AuditEntry

	Detail string `json:"detail"`
}

func (o *auditListOptions) printRows(l admin.List[admin.AuditEntry]) error {
	rows := admin.List[auditRow]{Items: []auditRow{}}
	for _, e := range l.Items {
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return fmt.Errorf("write the detail of entry %s: %w", e.ID, err)
		}
		rows.Items = append(rows.Items, auditRow{e, string(detail)})
	}
	return printList(o.app, rows, listView[auditRow]{})
}
