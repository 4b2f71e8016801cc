package cli

import (
	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/cmd/internal/manual"
)

// newManCmd prints the manual page that packages install.
func newManCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "Print the manual page", Hidden: true, Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return manual.Commands(a.Out, cmd.Root(), manual.Page{
				Section: 1, Version: "inboxctl " + a.Build.Version, SeeAlso: "inboxd(8)",
			})
		},
	}
}
