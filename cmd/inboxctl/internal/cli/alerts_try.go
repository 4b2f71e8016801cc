package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

func newAlertsTestCmd(a *app, run func(context.Context, *alertOptions) error) *cobra.Command {
	o := &alertOptions{app: a}
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a test message to the webhook of alerts",
		Long: `Have the server send a test message to the webhook of INBOXD_ALERT_WEBHOOK_URL, and
say what it answered. It exits 9 if the webhook does not take it.`,
		Example: `  inboxctl alerts test`,
		Args:    takes(),
		RunE:    does(o, run, runAlertsTest),
	}
	o.change.add(cmd)
	return cmd
}

func runAlertsTest(ctx context.Context, o *alertOptions) error {
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.TestAlerts(ctx, o.change.reason)
	if err != nil {
		return err
	}
	return printOne(o.app, answer, func(b *bytes.Buffer, t admin.AlertTest, _ time.Time) {
		fmt.Fprintf(b, "The webhook at %s took a test message in %s.\n", text.Clean(t.Host), text.Millis(float64(t.TookMS)))
	})
}
