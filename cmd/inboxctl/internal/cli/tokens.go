package cli

import "github.com/spf13/cobra"

func newTokensCmd(a *app) *cobra.Command {
	return newGroupCmd("tokens", "token", "Credentials of the public API and of operators", newTokensListCmd(a, nil),
		newTokensCreateCmd(a, nil), newTokensRevokeCmd(a, nil))
}
