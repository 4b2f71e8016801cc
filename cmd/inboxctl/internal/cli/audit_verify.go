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

type auditVerifyOptions struct{ *app }

func newAuditVerifyCmd(a *app, run func(context.Context, *auditVerifyOptions) error) *cobra.Command {
	o := &auditVerifyOptions{app: a}
	return &cobra.Command{
		Use:   "verify",
		Short: "Check that no entry of the trail was changed or removed",
		Long: `Walk the audit trail from its first entry: each holds the hash of the one before.
The exit code is 1 if an entry was changed or removed, and that entry is named.

Keep the head it prints somewhere else: as long as the same count has the same
head, nothing before it was changed.`,
		Example: `  inboxctl audit verify
  inboxctl audit verify -o json`,
		Args: takes(),
		RunE: does(o, run, runAuditVerify),
	}
}

func runAuditVerify(ctx context.Context, o *auditVerifyOptions) error {
	if err := o.needsMoreThanNames("audit verify"); err != nil {
		return err
	}
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	if err := printOne(o.app, answer, verdictText); err != nil {
		return err
	}
	if v := answer.Item; !v.OK {
		return fmt.Errorf("the audit trail is broken at entry %s: %s", maybe(v.BrokenID), maybe(v.Why))
	}
	return nil
}

func verdictText(b *bytes.Buffer, v admin.AuditVerdict, _ time.Time) {
	what := "The audit trail is as it was written"
	if !v.OK {
		what = "The audit trail is not as it was written"
	}
	noun := "entries hold"
	if v.Count == 1 {
		noun = "entry holds"
	}
	fmt.Fprintf(b, "%s: %d %s, head %s\n", what, v.Count, noun, text.Clean(v.Head))
}
