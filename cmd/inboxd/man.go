package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/cmd/internal/manual"
	"github.com/bandeja/inboxd/daemon"
)

// newManCmd prints the manual pages that packages install: 8, the program, and
// 5, its settings file.
func newManCmd() *cobra.Command {
	return &cobra.Command{
		Use: "man 8|5", Short: "Print a manual page", Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] != "8" && args[0] != "5" {
				return usagef("say 8 for the program or 5 for its settings file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			day, _, _ := strings.Cut(date, "T")
			p := manual.Page{Section: 8, Date: day, Version: "inboxd " + build().Version, SeeAlso: "inboxd.yaml(5), inboxctl(1)"}
			if args[0] == "8" {
				return manual.Commands(cmd.OutOrStdout(), cmd.Root(), p)
			}
			p.Section = 5
			cmd.Print(settingsPage(p))
			return nil
		},
	}
}

func settingsPage(p manual.Page) string {
	var r manual.Roff
	r.Title("inboxd.yaml", p, "settings of inboxd")
	r.Section("DESCRIPTION")
	r.Text("A YAML mapping. A key that is not listed here is a fault. The environment variable of each setting wins over the file, " +
		"a flag over both. A secret is best given as a file (the key or the variable with _file or _FILE added) or as a systemd credential.")
	r.Section("SETTINGS")
	for _, s := range daemon.Settings() {
		text := fmt.Sprintf("%s Variable %s; %s", strings.ReplaceAll(s.Doc, "`", ""), s.Env, s.Want())
		if s.Default != "" {
			text += "; default " + s.Default
		}
		r.Item(s.Key, text+".")
	}
	r.Section("FILES")
	r.Item("/etc/inboxd/inboxd.yaml", "where the units of the package look.")
	r.Section("SEE ALSO")
	r.Text("inboxd(8), inboxctl(1)")
	return r.String()
}
