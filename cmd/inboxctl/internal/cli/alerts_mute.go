package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newAlertsMuteCmd(a *app, run func(context.Context, *alertOptions) error) *cobra.Command {
	o := &alertOptions{app: a}
	cmd := &cobra.Command{
		Use:   "mute ALERT --for DURATION",
		Short: "Keep an alert quiet for a time",
		Long: `Keep an alert quiet for a time: it is not counted and not announced, whether it
comes and goes meanwhile or not. If it fires when the time is over, it is
announced.`,
		Example: `  inboxctl alerts mute backlog_grows/whatsapp --for 2h --reason "campaign"`,
		Args:    takes("the ID of the alert"),
		RunE:    does(o, run, runAlertsMute, &o.id),
	}
	o.lasts.add(cmd, "needed")
	o.change.add(cmd)
	return cmd
}

func runAlertsMute(ctx context.Context, o *alertOptions) error {
	lasts, err := o.lasts.duration()
	if err != nil {
		return err
	}
	if lasts == 0 {
		return usagef("say for how long: --for 1h")
	}
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.MuteAlert(ctx, o.id, lasts, o.change.reason)
	if err != nil {
		return err
	}
	return o.printAlert(answer, "Muted"+forText(lasts))
}

func newAlertsUnmuteCmd(a *app, run func(context.Context, *alertOptions) error) *cobra.Command {
	o := &alertOptions{app: a}
	cmd := &cobra.Command{
		Use:     "unmute ALERT",
		Short:   "End a mute",
		Long:    `End a mute before its time: an alert that fires is announced.`,
		Example: `  inboxctl alerts unmute backlog_grows/whatsapp`,
		Args:    takes("the ID of the alert"),
		RunE:    does(o, run, runAlertsUnmute, &o.id),
	}
	o.change.add(cmd)
	return cmd
}

func runAlertsUnmute(ctx context.Context, o *alertOptions) error {
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.UnmuteAlert(ctx, o.id, o.change.reason)
	if err != nil {
		return err
	}
	return o.printAlert(answer, "Not muted any more:")
}
