package cli

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide help is at most: that of a terminal nobody has widened.
const helpWidth = 80

// usageTemplate is cobra's, but that flags are wrapped.
const usageTemplate = `Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{end}}{{if gt (len .Aliases) 0}}

Aliases:
  {{.NameAndAliases}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Available Commands:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Global Flags:
{{.InheritedFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

Use "{{.CommandPath}} [command] --help" for more information about a command.{{end}}
`

// addManners gives every command what commands of its kind have, so that none
// can forget it: reads can be watched, lists be sorted and cut to columns, and
// all complete in the shell.
func (a *app) addManners(root *cobra.Command) {
	root.SetUsageTemplate(usageTemplate)
	describeCompletion(root)
	for cmd := range walk(root) {
		if isRead(cmd) {
			a.addWatch(cmd)
		}
		if isList(cmd) {
			a.addListFlags(cmd)
		}
		a.addCompletion(cmd)
		cmd.Long, cmd.Example = wrapProse(cmd.Long, helpWidth), foldExamples(cmd.Example, helpWidth)
	}
}

// walk visits a command and all below it.
func walk(cmd *cobra.Command) func(yield func(*cobra.Command) bool) {
	return func(yield func(*cobra.Command) bool) { visit(cmd, yield) }
}

func visit(cmd *cobra.Command, yield func(*cobra.Command) bool) bool {
	if !yield(cmd) {
		return false
	}
	for _, sub := range cmd.Commands() {
		if !visit(sub, yield) {
			return false
		}
	}
	return true
}

// isRead reports whether cmd shows something that changes by itself.
func isRead(cmd *cobra.Command) bool {
	reads := []string{"list", "show", "status", "holds", "history", "why", "count", "groups", "report", "users", "misses", "latency"}
	return cmd.RunE != nil && !cmd.HasSubCommands() && slices.Contains(reads, cmd.Name())
}

func isList(cmd *cobra.Command) bool {
	return isRead(cmd) && slices.Contains([]string{"list", "holds", "history", "groups", "users", "misses", "latency"}, cmd.Name())
}

func (a *app) addListFlags(cmd *cobra.Command) {
	for flag, add := range map[string]func(name string){
		"sort": func(name string) {
			cmd.Flags().StringVar(&a.flags.sort, name, "", "by this `KEY`, a column or a field of -o json; KEY:desc turns it round")
		},
		"columns": func(name string) {
			cmd.Flags().StringVar(&a.flags.columns, name, "", "only these `COLUMNS` of table, wide and csv, in this order, as a,b")
		},
	} {
		if cmd.Flags().Lookup(flag) == nil {
			add(flag)
		}
	}
}

// remember notes what is being done, ready to be typed again, for what is said
// about it later. What only answers or looks is left out.
func (a *app) remember(cmd *cobra.Command, args []string) {
	words := []string{cmd.CommandPath()}
	for _, arg := range args {
		words = append(words, quoted(arg))
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case slices.Contains([]string{"yes", "dry-run"}, f.Name):
		case f.Value.Type() == "bool":
			words = append(words, "--"+f.Name)
		default:
			words = append(words, "--"+f.Name, quoted(strings.Trim(f.Value.String(), "[]")))
		}
	})
	a.doing = strings.Join(words, " ")
}

// plainWord needs no quotes in any shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quoted writes a word so that a shell reads it as one.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
