package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// newCheckPartCmd makes the check of something the server depends on.
func newCheckPartCmd(a *app, part string, run func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{app: a, check: part, look: lookAtPart}
	return o.command(part, "Whether "+part+" answers the server, and how fast",
		"Whether "+part+` answers the server, and how fast. It is critical if it does not
answer. Measure: time, of one question (warning from 100ms, critical from 1s).`,
		"  inboxctl check "+part+"\n  inboxctl check "+part+" --warn 50ms --crit 500ms", run, takes())
}

func lookAtPart(ctx context.Context, client *admin.Client, o *checkOptions) (report, error) {
	answer, err := client.Status(ctx)
	if err != nil {
		return report{}, err
	}
	for _, p := range answer.Item.Parts {
		if p.Name != o.check {
			continue
		}
		r := report{}
		if p.TookMS != nil {
			r.measures = []measure{seconds("time", time.Duration(*p.TookMS*float64(time.Millisecond)), 100*time.Millisecond, time.Second)}
		}
		if !p.OK {
			r.broken = "it does not answer: " + orElse(maybe(p.Error), "why is not known")
		}
		return r, nil
	}
	return report{}, fmt.Errorf("the server has no %s configured", o.check)
}
