package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/daemon"
)

// settingFlags are the flags that override settings: one for each that is no
// secret, since a command line is readable by everybody on the machine.
type settingFlags struct{ given map[string]*string }

// add defines the flags: the setting's key with dashes for dots.
func (f *settingFlags) add(cmd *cobra.Command) {
	f.given = map[string]*string{}
	for _, s := range daemon.Settings() {
		if !s.Secret {
			f.given[s.Key] = cmd.Flags().String(flagName(s.Key), "", "setting "+s.Env+": "+strings.ReplaceAll(s.Doc, "`", ""))
		}
	}
}

// values returns what was given; an empty value means not set, as everywhere.
func (f *settingFlags) values() map[string]string {
	values := map[string]string{}
	for key, value := range f.given {
		if *value != "" {
			values[key] = *value
		}
	}
	return values
}

func flagName(key string) string { return strings.NewReplacer(".", "-", "_", "-").Replace(key) }
