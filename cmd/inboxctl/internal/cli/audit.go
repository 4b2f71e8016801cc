package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newAuditCmd(a *app) *cobra.Command {
	return newGroupCmd("audit", "", "Who changed what, when and why", newAuditListCmd(a, nil), newAuditShowCmd(a, nil), newAuditVerifyCmd(a, nil))
}

func auditColumns() []column[admin.AuditEntry] {
	type entry = admin.AuditEntry
	return []column[entry]{
		{name: "ENTRY", right: true, cell: func(e entry, _ time.Time) string { return e.ID }},
		{name: "WHEN", cell: func(e entry, asOf time.Time) string { return agoText(&e.At, asOf) }},
		{name: "WHO", cell: func(e entry, _ time.Time) string { return e.Actor }},
		{name: "WHAT", cell: func(e entry, _ time.Time) string { return e.Action }},
		{name: "ON", cell: func(e entry, _ time.Time) string { return e.Target }},
		{name: "ORG", cell: func(e entry, _ time.Time) string { return maybe(e.Org) }},
		{name: "REASON", cell: func(e entry, _ time.Time) string { return maybe(e.Reason) }},
		{name: "AT", wide: true, cell: func(e entry, _ time.Time) string { return e.At.Format(time.RFC3339) }},
		{name: "FROM", wide: true, cell: func(e entry, _ time.Time) string { return e.Source }},
		{name: "REQUEST", wide: true, cell: func(e entry, _ time.Time) string { return e.RequestID }},
	}
}
