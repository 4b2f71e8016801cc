package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newAlertsAckCmd(a *app, run func(context.Context, *alertOptions) error) *cobra.Command {
	o := &alertOptions{app: a}
	cmd := &cobra.Command{
		Use:   "ack ALERT",
		Short: "Say that you are at an alert",
		Long: `Say that you are at an alert: others see your name, and it is not announced again.
That ends by itself when the alert is over; if it comes back, it is a new one.`,
		Example: `  inboxctl alerts ack jobs_wait/whatsapp --reason "INC-812"`,
		Args:    takes("the ID of the alert"),
		RunE:    does(o, run, runAlertsAck, &o.id),
	}
	o.change.add(cmd)
	return cmd
}

func runAlertsAck(ctx context.Context, o *alertOptions) error {
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.AckAlert(ctx, o.id, o.change.reason)
	if err != nil {
		return err
	}
	return o.printAlert(answer, "Acknowledged")
}

func newAlertsUnackCmd(a *app, run func(context.Context, *alertOptions) error) *cobra.Command {
	o := &alertOptions{app: a}
	cmd := &cobra.Command{
		Use:     "unack ALERT",
		Short:   "Say that nobody is at an alert any more",
		Long:    `Take an acknowledgement back: the alert is announced again when its time comes.`,
		Example: `  inboxctl alerts unack jobs_wait/whatsapp`,
		Args:    takes("the ID of the alert"),
		RunE:    does(o, run, runAlertsUnack, &o.id),
	}
	o.change.add(cmd)
	return cmd
}

func runAlertsUnack(ctx context.Context, o *alertOptions) error {
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.UnackAlert(ctx, o.id, o.change.reason)
	if err != nil {
		return err
	}
	return o.printAlert(answer, "Nobody is at")
}
