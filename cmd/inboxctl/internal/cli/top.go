package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/tui"
)

type topOptions struct {
	*app

	once     bool
	interval time.Duration
	draw     func(context.Context, tui.Options) error // replaced by tests
}

func newTopCmd(a *app, run func(context.Context, *topOptions) error) *cobra.Command {
	o := &topOptions{app: a, draw: tui.Run}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch queues, latency and processes live",
		Long: `Watch queues, latency and processes live. Without a terminal, or with --once, it
prints one table. -o json and the like print what status prints.`,
		Example: `  inboxctl top
  inboxctl top --once`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return pick(run, runTop)(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.once, "once", false, "print one table and end")
	cmd.Flags().DurationVar(&o.interval, "interval", tui.DefaultInterval, "how often the server is asked, at least 500ms")
	return cmd
}

func runTop(ctx context.Context, o *topOptions) error {
	if o.interval < 500*time.Millisecond {
		return usagef("--interval %s is too short: use 500ms or more", o.interval)
	}
	if !o.people() {
		return runStatus(ctx, &statusOptions{app: o.app})
	}
	client, t, err := o.connect()
	if err != nil {
		return err
	}
	return o.draw(ctx, tui.Options{
		Source: client, Target: orElse(t.Name, t.Server), Version: o.Build.Version,
		Interval: o.interval, Once: o.once, NoColor: !o.Colour, ASCII: !o.unicode(),
		In: o.In, Out: o.Out, Now: o.Now,
	})
}

// unicode reports whether the locale can show more than ASCII.
func (a *app) unicode() bool {
	locale := orElse(a.Getenv("LC_ALL"), orElse(a.Getenv("LC_CTYPE"), a.Getenv("LANG")))
	return isUTF8(locale)
}
