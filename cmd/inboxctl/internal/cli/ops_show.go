package cli

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type opsShowOptions struct {
	*app

	pageFlags
	id    string
	items string
}

// itemWords are those of --items.
func itemWords() []string { return []string{"failed", "skipped", "done", "all"} }

func newOpsShowCmd(a *app, run func(context.Context, *opsShowOptions) error) *cobra.Command {
	o := &opsShowOptions{app: a}
	cmd := &cobra.Command{
		Use:   "show ID|last",
		Short: "Show one operation: its plan, how far it is, what can be undone",
		Long: `Show one operation: who planned it and why, what it was to change, how far it
is, and what can still be undone. --items lists its jobs one by one instead.
last, or -, is your newest operation.`,
		Example: `  inboxctl ops show last
  inboxctl ops show last --items failed
  inboxctl ops show last --items skipped -o csv`,
		Args:              takes("the ID of an operation"),
		ValidArgsFunction: a.operationIDs(),
		RunE:              does(o, run, runOpsShow, &o.id),
	}
	cmd.Flags().StringVar(&o.items, "items", "", "list its jobs with this `RESULT`: "+strings.Join(itemWords(), ", "))
	o.add(cmd)
	complete(cmd, "items", itemWords()...)
	return cmd
}

func runOpsShow(ctx context.Context, o *opsShowOptions) error {
	if o.given("items") {
		if err := checkWord("result", "--items", o.items, itemWords()); err != nil {
			return err
		}
	}
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	client, t, err := o.connect()
	if err != nil {
		return err
	}
	id, err := o.operationID(ctx, client, t, o.id)
	if err != nil {
		return err
	}
	if o.items != "" {
		return o.showItems(ctx, client, id)
	}
	answer, err := client.Operation(ctx, id)
	if err != nil {
		return olderServer(err)
	}
	return printOne(o.app, answer, o.operationText)
}

func (o *opsShowOptions) showItems(ctx context.Context, client *admin.Client, id string) error {
	result := o.items
	if result == "all" {
		result = ""
	}
	return printPages(o.app, o.pageFlags, listView[admin.OperationItem]{
		columns: itemColumns(), empty: "No job of the operation matches.", name: func(i admin.OperationItem) string { return i.JobID }, // what jobs retry --ids - reads
	}, func(p admin.Page) (admin.List[admin.OperationItem], error) {
		page, err := client.OperationItems(ctx, id, result, p)
		return page, olderServer(err)
	})
}

func (a *app) operationText(b *bytes.Buffer, o admin.Operation, asOf time.Time) {
	plan, p := o.Plan, o.Progress
	soFar := func(n int64) string {
		if o.CommittedAt == nil { // A plan has changed nothing, and need not say so.
			return ""
		}
		return countText(n)
	}
	writePairs(b,
		pair{"operation", o.ID}, pair{"kind", o.Kind + verbOf(o).how}, pair{"state", stateText(o)}, pair{"error", maybe(o.Error)},
		pair{"by", o.Actor}, pair{"reason", maybe(o.Reason)}, pair{"selection", selectionText(o.Selector)},
		pair{"undoes", maybe(o.UndoOf)}, pair{"undone by", maybe(o.UndoneBy)},
		pair{"rate", rateText(o.Rate)}, pair{"canary", canaryFirst(o)}, pair{"abort if", abortText(o)},
		pair{"created", agoText(&o.CreatedAt, asOf)}, pair{"expires", expiresText(o, asOf)},
		pair{"started", agoText(o.CommittedAt, asOf)}, pair{"finished", agoText(o.FinishedAt, asOf)},
		pair{"jobs", strings.TrimSpace(countText(plan.Matched) + " " + inBrackets(splitText(plan.ByOrg)))},
		pair{"done", soFar(p.Done)}, pair{"skipped", soFar(countSkips(p.Skipped))}, pair{"failed", soFar(p.Failed)},
		pair{"succeeded", maybeCount(p.Succeeded)}, pair{"failed again", maybeCount(p.FailedAgain)}, pair{"left", etaText(o)},
	)
	fmt.Fprintln(b)
	plan.Skipped = addSkips(plan.Skipped, p.Skipped)
	b.WriteString(a.planText(plan))
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func maybeCount(n *int64) string {
	if n == nil {
		return ""
	}
	return countText(*n)
}

// expiresText matters only while a plan can be committed.
func expiresText(o admin.Operation, asOf time.Time) string {
	if o.State != admin.OpPlanned {
		return ""
	}
	return agoText(o.ExpiresAt, asOf)
}

func etaText(o admin.Operation) string {
	if o.Ended() || o.Progress.EtaMS == nil {
		return ""
	}
	return msOf(o.Progress.EtaMS)
}

// canaryFirst says how many went first: "20 first".
func canaryFirst(o admin.Operation) string {
	if o.Canary == nil || *o.Canary == 0 {
		return ""
	}
	return strconv.Itoa(*o.Canary) + " first"
}

// abortText says when it stops by itself: "over 10% failed".
func abortText(o admin.Operation) string {
	if o.AbortIf == nil {
		return ""
	}
	return "over " + strconv.FormatFloat(*o.AbortIf*100, 'g', 4, 64) + "% fail"
}
