package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// isCheck reports whether cmd is one of the checks.
func isCheck(cmd *cobra.Command) bool {
	return cmd != nil && cmd.HasParent() && cmd.Parent().Name() == "check"
}

// checkFormats lists the values of --format.
func checkFormats() []string { return []string{"text", "nagios", "json", "prometheus"} }

// staleAnswer is how old an answer may be that a check still believes.
const staleAnswer = 30 * time.Second

func newCheckCmd(a *app) *cobra.Command {
	cmd := newGroupCmd("check", "", "Checks for a monitoring system",
		newCheckSLACmd(a, nil),
		newCheckQueueCmd(a, nil), newCheckOrgCmd(a, nil), newCheckWorkerCmd(a, nil),
		newCheckPartCmd(a, "redis", nil), newCheckPartCmd(a, "postgres", nil))
	cmd.Long = `Checks for a monitoring system: each prints one line and exits 0 for ok, 1 for
warning, 2 for critical, and 3 if it is not known, because the server does not
answer, is asked for something that is not there, or the command is wrong.

--warn and --crit take a bound for the first measure, or bounds by name:
--warn oldest=1m,dead=10. --format nagios adds performance data, prometheus
prints metrics for a textfile collector.`
	return cmd
}

// checkOptions are those of every check.
type checkOptions struct {
	*app

	check, of  string // queue whatsapp
	warn, crit string
	format     string
	look       func(context.Context, *admin.Client, *checkOptions) (report, error)
}

// report is what a look brought: the measures, the main one first, and how old
// they are.
type report struct {
	of       string
	measures []measure
	stale    time.Duration
	broken   string // critical whatever the measures say; empty: it is not
}

func (o *checkOptions) command(use, short, long, example string, run func(context.Context, *checkOptions) error, args cobra.PositionalArgs) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.of = args[0]
			}
			return pick(run, runCheck)(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.warn, "warn", "", "`BOUND` from which it is a warning")
	cmd.Flags().StringVar(&o.crit, "crit", "", "`BOUND` from which it is critical")
	cmd.Flags().StringVar(&o.format, "format", "text", "`FORMAT`: "+strings.Join(checkFormats(), ", "))
	complete(cmd, "format", checkFormats()...)
	return cmd
}

// checkItem is a check as programs read it.
type checkItem struct {
	Check    string        `json:"check"`
	Name     string        `json:"name"`
	State    string        `json:"state"`
	Code     int           `json:"code"`
	Text     string        `json:"text"`
	Measures []measureItem `json:"measures"`
}

type measureItem struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Unit  string   `json:"unit"` // s, or empty for a number
	Warn  *float64 `json:"warn"`
	Crit  *float64 `json:"crit"`
	State string   `json:"state"`
}

// verdict ends a check with its exit code; what it says is printed.
type verdict struct{ state state }

func (v *verdict) Error() string { return "the check is " + v.state.String() }

// runCheck never fails in another way than a check may: what goes wrong is not
// known, and is said where monitoring reads it.
func runCheck(ctx context.Context, o *checkOptions) error {
	item, err := o.judge(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		item = checkItem{Check: o.check, Name: o.of, State: unknown.String(), Code: int(unknown), Text: text.Clean(err.Error()), Measures: []measureItem{}}
	}
	if err := o.show(item); err != nil {
		return err
	}
	if item.Code == 0 {
		return nil
	}
	return &verdict{state(item.Code)}
}

func (o *checkOptions) judge(ctx context.Context) (item checkItem, err error) {
	if err := checkWord("format", "--format", o.format, checkFormats()); err != nil {
		return item, err
	}
	client, _, err := o.connect()
	if err != nil {
		return item, err
	}
	r, err := o.look(ctx, client, o)
	if err != nil {
		return item, err
	}
	if r.stale > staleAnswer {
		return item, fmt.Errorf("the answer is %s old: the ledger does not answer the server", text.Age(r.stale))
	}
	if err := bound(r.measures, o.warn, o.crit); err != nil {
		return item, err
	}
	return itemOf(o.check, r), nil
}

func (o *checkOptions) show(item checkItem) error {
	if o.format == "json" {
		o.flags.output = "json"
	}
	if !o.people() {
		return printOne(o.app, local(o.app, "check", item), nil)
	}
	var b bytes.Buffer
	switch o.format {
	case "nagios":
		nagios(&b, item)
	case "prometheus":
		promText(&b, item)
	default:
		fmt.Fprintf(&b, "%s %s: %s\n", strings.ToUpper(item.State), strings.TrimSpace(item.Check+" "+item.Name), item.Text)
	}
	return o.flush(&b, nil)
}
