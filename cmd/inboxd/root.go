package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/daemon"
)

// env is everything a command may touch of the world.
type env struct {
	args, environ  []string
	stdout, stderr io.Writer
	hangups        func() <-chan os.Signal // each asks a daemon for a reload; nil: none ever
}

// Exit codes. 78 is EX_CONFIG of sysexits.h: starting again will not help.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78
)

// usageError is a fault of the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes the command line and returns the exit code.
func run(ctx context.Context, e env) int {
	cmd := newRootCmd(e) //nolint:contextcheck // each command takes its context from cobra
	cmd.SetArgs(e.args)
	cmd.SetOut(e.stdout)
	cmd.SetErr(e.stderr)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case daemon.IsConfigFault(err):
		_, _ = fmt.Fprintln(e.stderr, err)
		return exitConfig
	case isUsage(err):
		_, _ = fmt.Fprintf(e.stderr, "inboxd: %v\nSee 'inboxd --help'.\n", err)
		return exitUsage
	}
	_, _ = fmt.Fprintln(e.stderr, "inboxd:", err)
	return exitFailed
}

func isUsage(err error) bool {
	_, ok := errors.AsType[usageError](err)
	return ok
}

func newRootCmd(e env) *cobra.Command {
	var config string
	var settings settingFlags
	root := &cobra.Command{
		Use:   "inboxd [command]",
		Short: "The shared inbox daemon: API, Meta webhooks and job workers",
		Long: `inboxd serves the public API and Meta's webhooks and runs the jobs that send
messages. Without a command it serves; APP_MODE says which part this process
plays: api, worker or all. Settings: docs/configure.md.`,
		Example: `  APP_MODE=all inboxd --config /etc/inboxd/inboxd.yaml
  inboxd check-config --config /etc/inboxd/inboxd.yaml
  inboxd dev --for 30s --rate 100`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q", args[0])
			}
			return nil
		},
		SilenceErrors: true, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), e, config, settings.values()) },
	}
	root.PersistentFlags().StringVar(&config, "config", "", "read settings from this YAML `file`")
	settings.add(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newMigrateCmd(e, &config), newCheckConfigCmd(e, &config), newHealthcheckCmd(e, &config), newRotateKeyCmd(e, &config), newVersionCmd(e), newDevCmd(e), newManCmd())
	return root
}

// load reads the settings and tells of warnings.
func load(e env, path string, flags map[string]string) (daemon.Config, error) {
	c, warnings, err := daemon.LoadConfig(path, e.environ, flags)
	e.warn(warnings)
	return c, err
}

// loadDatabase reads only where the database is: a migration needs no more.
func loadDatabase(e env, path string) (daemon.Config, error) {
	c, warnings, err := daemon.LoadDatabaseURL(path, e.environ, nil)
	e.warn(warnings)
	return c, err
}

func (e env) warn(warnings []string) {
	for _, w := range warnings {
		_, _ = fmt.Fprintln(e.stderr, "warning:", w)
	}
}
