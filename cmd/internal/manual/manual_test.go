package manual_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/cmd/internal/manual"
)

// Every command and flag is in the page, nothing hidden is, and no text is read
// as a command of the formatter.
func TestPageHoldsEveryCommand(t *testing.T) {
	t.Parallel()
	root := &cobra.Command{Use: "tool", Short: "Do things", Long: "First.\n\n.hidden looks like roff, \\n too."}
	root.PersistentFlags().StringP("server", "s", "", "ask this `address`")
	group := &cobra.Command{Use: "jobs", Short: "Jobs"}
	list := &cobra.Command{Use: "list", Short: "List them", Example: "  tool jobs list", Run: func(*cobra.Command, []string) {}}
	list.Flags().Bool("all", false, "every one")
	secret := &cobra.Command{Use: "secret", Short: "Not shown", Hidden: true, Run: func(*cobra.Command, []string) {}}
	group.AddCommand(list, secret)
	root.AddCommand(group)

	var page strings.Builder
	require.NoError(t, manual.Commands(&page, root, manual.Page{Section: 1, Version: "tool v1", SeeAlso: "other(8)"}))
	for _, want := range []string{
		".TH TOOL 1 \"\" \"tool v1\"\n", "tool \\- Do things", "\n\\&.hidden looks like roff, \\en too.",
		"\\fB\\-s, \\-\\-server address\\fR\nask this address", ".SS tool jobs list", "\\fB\\-\\-all\\fR\nevery one", "  tool jobs list", "other(8)",
	} {
		require.Contains(t, page.String(), want)
	}
	require.NotContains(t, page.String(), "secret")
}
