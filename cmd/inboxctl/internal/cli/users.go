package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newUsersCmd(a *app) *cobra.Command {
	return newGroupCmd("users", "user", "Agents, who answer customers", newUsersListCmd(a, nil), newUsersAddCmd(a, nil))
}

func userColumns() []column[admin.User] {
	return []column[admin.User]{
		{name: "USER", cell: func(u admin.User, _ time.Time) string { return u.Name }},
		{name: "ORG", cell: func(u admin.User, _ time.Time) string { return u.Org }},
		{name: "ID", right: true, cell: func(u admin.User, _ time.Time) string { return u.ID }},
		{name: "ADDED", cell: func(u admin.User, asOf time.Time) string { return agoText(&u.CreatedAt, asOf) }},
	}
}
