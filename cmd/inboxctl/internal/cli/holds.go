package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

func holdColumns() []column[admin.Hold] {
	type hold = admin.Hold
	return []column[hold]{
		{name: "HOLD", right: true, cell: func(h hold, _ time.Time) string { return h.ID }},
		{name: "ORG", cell: func(h hold, _ time.Time) string { return orElse(maybe(h.Org), "any") }},
		{name: "QUEUE", cell: func(h hold, _ time.Time) string { return orElse(maybe(h.Queue), "any") }},
		{name: "TYPE", cell: func(h hold, _ time.Time) string { return orElse(maybe(h.Type), "any") }},
		{name: "OWNER", cell: func(h hold, _ time.Time) string { return h.Owner }},
		{name: "SINCE", cell: func(h hold, asOf time.Time) string { return agoText(&h.CreatedAt, asOf) }},
		{name: "ENDS", cell: func(h hold, asOf time.Time) string { return orElse(agoText(h.ExpiresAt, asOf), "when released") }},
		{name: "REASON", cell: func(h hold, _ time.Time) string { return maybe(h.Reason) }},
	}
}

// pauseOptions are those of every pause: of an org, or of a queue.
type pauseOptions struct {
	*app

	change     changeFlags
	lasts      lasting
	org, queue string
	kind       string
	dryRun     bool
}

func (o *pauseOptions) request() (admin.HoldAdd, error) {
	h := admin.HoldAdd{Org: o.org, Queue: o.queue, Type: o.kind, DryRun: o.dryRun, Reason: o.change.reason}
	if o.kind != "" {
		if err := checkWord("type", "--type", o.kind, admin.JobTypes()); err != nil {
			return h, err
		}
	}
	d, err := o.lasts.duration()
	h.LastsMS = d.Milliseconds()
	return h, err
}

// heldText names what a pause is of: "acme (queue whatsapp)".
func heldText(h admin.HoldAdd) string {
	what, narrow := h.Org, []string(nil)
	if h.Org == "" {
		what = "the queue " + h.Queue
	} else if h.Queue != "" {
		narrow = append(narrow, "queue "+h.Queue)
	}
	if h.Type != "" {
		narrow = append(narrow, "type "+h.Type)
	}
	if len(narrow) == 0 {
		return what
	}
	return what + " (" + strings.Join(narrow, ", ") + ")"
}

func runPause(ctx context.Context, o *pauseOptions) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	what := heldText(request)
	return o.act(ctx, o.dryRun, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
		dry := request
		dry.DryRun = true
		plan, err := c.AddHold(ctx, dry)
		return "Pause " + what + forText(time.Duration(request.LastsMS)*time.Millisecond) + waitingText(plan.Item.Waiting), err
	}, func(ctx context.Context, c *admin.Client) error { return o.pause(ctx, c, request, what) })
}

func waitingText(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf(" (%s unfinished)", plural(*n, "job"))
}

func (o *pauseOptions) pause(ctx context.Context, client *admin.Client, h admin.HoldAdd, what string) error {
	answer, err := client.AddHold(ctx, h)
	if err != nil {
		return err
	}
	return o.printHolds(answer, func(b *bytes.Buffer, r admin.HoldResult, asOf time.Time) {
		if r.DryRun {
			fmt.Fprintf(b, "Would pause %s%s%s. Nothing was changed.\n", what, forText(time.Duration(h.LastsMS)*time.Millisecond), waitingText(r.Waiting))
		} else {
			fmt.Fprintf(b, "Paused %s, %s%s\n", what, holdsText(r.Holds, asOf), appliedText(r.Applied))
		}
		if r.Recalled != nil && *r.Recalled > 0 {
			fmt.Fprintf(b, "Called back: %s that had been handed out.\n", plural(*r.Recalled, "job"))
		}
		if len(r.Others) > 0 {
			fmt.Fprintf(b, "Also held: %s.\n", holdsText(r.Others, asOf))
		}
	})
}

// printHolds prints the ids of the holds for -o name, because they are what a
// resume takes.
func (a *app) printHolds(answer admin.One[admin.HoldResult], show func(*bytes.Buffer, admin.HoldResult, time.Time)) error {
	if a.flags.output == "name" {
		l := admin.List[admin.Hold]{Items: answer.Item.Holds}
		if err := printList(a, l, listView[admin.Hold]{}); err != nil {
			return err
		}
		return everywhere(answer.Item.Applied)
	}
	return printChange(a, answer, answer.Item.Applied, show)
}

// holdsText writes "hold 7 by local:0 (ends in 1h00m)".
func holdsText(holds []admin.Hold, asOf time.Time) string {
	words := make([]string, len(holds))
	for i, h := range holds {
		words[i] = "hold " + h.ID + " by " + h.Owner
		if h.ExpiresAt != nil {
			words[i] += " (ends " + agoText(h.ExpiresAt, asOf) + ")"
		}
	}
	return text.Clean(strings.Join(words, ", "))
}

// releasedText is holdsText of what has ended.
func releasedText(holds []admin.Hold) string {
	over := slices.Clone(holds)
	for i := range over {
		over[i].ExpiresAt = nil
	}
	return holdsText(over, time.Time{})
}

// resumeOptions are those of every resume. A resume does not ask.
type resumeOptions struct {
	*app

	change     changeFlags
	org, queue string
	hold       string
	all        bool
}

func (o *resumeOptions) addHoldFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.hold, "hold", "", "`ID` of the hold, whose it is, or all")
	cmd.Flags().BoolVar(&o.all, "all-holds", false, "every hold, whose it is")
}

func runResume(ctx context.Context, o *resumeOptions) error {
	if n, err := strconv.ParseInt(o.hold, 10, 64); o.hold != "" && o.hold != admin.AllHolds && (err != nil || n <= 0) {
		return usagef("--hold %q is not the id of a hold: ids are numbers; --all-holds releases every one", o.hold)
	}
	if o.all {
		if o.hold != "" && o.hold != admin.AllHolds {
			return usagef("name one hold with --hold, or all with --all-holds, not both")
		}
		o.hold = admin.AllHolds
	}
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.ReleaseHolds(ctx, admin.HoldRelease{Org: o.org, Queue: o.queue, Hold: o.hold, Reason: o.change.reason})
	if err != nil {
		return err
	}
	what := heldText(admin.HoldAdd{Org: o.org, Queue: o.queue})
	return o.printHolds(answer, func(b *bytes.Buffer, r admin.HoldResult, asOf time.Time) {
		if len(r.Holds) == 0 {
			fmt.Fprintf(b, "There is no hold on %s to release.\n", what)
		} else {
			fmt.Fprintf(b, "Resumed %s, released %s%s\n", what, releasedText(r.Holds), appliedText(r.Applied))
		}
		if len(r.Others) > 0 {
			fmt.Fprintf(b, "Still held: %s.\n", holdsText(r.Others, asOf))
		}
	})
}
