package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

var (
	flagInUsage = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`)
	flagInFault = regexp.MustCompile(`--([\w-]+)" flag: `)
)

// flagSlip says what is wrong with a flag in our words: those of the parser name
// functions of Go.
func flagSlip(c *cobra.Command, err error) error {
	why := err.Error()
	if unknown, ok := errors.AsType[interface {
		error
		GetSpecifiedName() string
	}](err); ok {
		why = unknownFlag(c, unknown.GetSpecifiedName(), why)
	}
	if bad, ok := errors.AsType[interface {
		error
		GetValue() string
	}](err); ok {
		why = badValue(c, bad.GetValue(), why)
	}
	return &usageError{text: why, help: c.CommandPath()}
}

// unknownFlag adds the nearest flag there is.
func unknownFlag(c *cobra.Command, name, why string) string {
	var words []string
	for _, found := range flagInUsage.FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
		words = append(words, found[1])
	}
	if near := admin.Nearest(name, words); near != "" && near != name {
		return fmt.Sprintf("there is no flag --%s: did you mean --%s?", name, near)
	}
	return why
}

// badValue says what the flag takes.
func badValue(c *cobra.Command, value, why string) string {
	found := flagInFault.FindStringSubmatch(why)
	if found == nil {
		return why
	}
	flag := c.Flag(found[1])
	if flag == nil {
		return why
	}
	takes := map[string]string{
		"int":      "a whole number such as 50",
		"int64":    "a whole number such as 50",
		"float64":  "a number such as 0.8",
		"duration": "a duration: use for example 30s, 10m or 2h",
		"bool":     "true or false",
	}[flag.Value.Type()]
	if takes == "" {
		return why
	}
	return fmt.Sprintf("--%s %q is not %s", flag.Name, value, takes)
}

// refuseHelp makes help of a verb that does not exist the slip it is: without
// it the help of the noun would look like an answer.
func (a *app) refuseHelp(root *cobra.Command) {
	show := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if rest := c.Flags().Args(); c.HasAvailableSubCommands() && len(rest) > 0 {
			a.slip = checkVerb(c, rest[0])
			return
		}
		show(c, args)
	})
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			switch {
			case err != nil:
				return err
			case len(rest) > 0 && c.HasAvailableSubCommands():
				return checkVerb(c, rest[0])
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	})
}

// nounsOf are the commands below c that know a verb: who types retry means jobs
// retry.
func nounsOf(c *cobra.Command, verb string) (paths []string) {
	for _, noun := range c.Commands() {
		for _, sub := range noun.Commands() {
			if sub.Name() == verb && sub.IsAvailableCommand() {
				paths = append(paths, sub.CommandPath())
			}
		}
	}
	return paths
}

// checkVerb returns a usage error that names the nearest command of c.
func checkVerb(c *cobra.Command, verb string) error {
	var words []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			words = append(words, sub.Name())
		}
	}
	err := checkWord("command", c.CommandPath(), verb, words)
	if nouns := nounsOf(c, verb); err != nil && len(nouns) > 0 {
		err = usagef("%s: %q comes after what it is done to: %s", c.CommandPath(), verb, strings.Join(nouns, ", "))
	}
	if usage, ok := errors.AsType[*usageError](err); ok {
		usage.help = c.CommandPath()
	}
	return err
}
