package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bandeja/inboxd/daemon"
)

func newDevCmd(e env) *cobra.Command {
	var o daemon.DevOptions
	var demo bool
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine, with simulated Meta traffic",
		Long: `dev starts a throw-away PostgreSQL and Redis, the simulator of Meta's API, one
api and two workers, makes demo orgs and contacts, and lets simulated customers
and agents work over the real HTTP interfaces. It needs the PostgreSQL server
programs; without redis-server an in-process stand-in serves. With --for it ends
by itself and prints a report of what became of every message.`,
		Example: `  inboxd dev
  inboxd dev --for 30s --rate 100 --report report.json
  inboxd dev --for 60s --rate 50 --kill-workers 3 --restart-redis`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			exe, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find the own program: %w", err)
			}
			o.Argv, o.Environ, o.Version = []string{exe}, e.environ, build().Version
			o.Stdin, o.Stdout, o.Stderr = os.Stdin, e.stdout, e.stderr
			if demo {
				showDemo(&o, exe)
			}
			if err := o.Check(); err != nil {
				return usageError{err}
			}
			return daemon.Dev(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Data, "data", "", "keep servers and files in this `directory`; default: a fresh one, removed at the end")
	f.Float64Var(&o.Rate, "rate", 20, "inbound messages per second, all orgs together")
	f.DurationVar(&o.For, "for", 0, "how long traffic lasts; then drain, report and end")
	f.StringVar(&o.Report, "report", "", "write the report to this `file` too")
	f.StringVar(&o.Manifest, "manifest", "", "write dev.json (URLs, pids, secrets) to this `file`; default: in the data directory")
	f.Uint64Var(&o.Seed, "seed", 0, "seed of the traffic; default: a random one, printed")
	f.IntVar(&o.KillWorkers, "kill-workers", 0, "kill a worker with -9 this often during --for")
	f.BoolVar(&o.RestartRedis, "restart-redis", false, "kill and start Redis once in the middle of --for")
	f.BoolVar(&o.NoContext, "no-context", false, "do not write inboxctl's context")
	f.BoolVar(&demo, "demo", false, "inboxctl top in front on a terminal, else 20 seconds and a report")
	cmd.AddCommand(newSimulatorCmd(e))
	return cmd
}

func newSimulatorCmd(e env) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "simulator",
		Short: "Serve a stand-in for Meta's API, to try an installation with",
		Long: `simulator serves a stand-in for Meta's API and prints the settings that lead an
inboxd to it. Tell it which accounts there are, where webhooks go, and what
customers write, by HTTP: docs/install.md has an installation that is tried so.
It forgets everything when it ends.`,
		Example: `  inboxd dev simulator --listen 127.0.0.1:8090`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return daemon.Simulate(cmd.Context(), listen, e.stdout)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8090", "listen on this `address`")
	return cmd
}

// showDemo puts inboxctl top in front where there is a terminal to draw on.
func showDemo(o *daemon.DevOptions, exe string) {
	if term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) {
		o.Front = []string{filepath.Join(filepath.Dir(exe), "inboxctl"), "top"}
		return
	}
	if o.For == 0 {
		o.For = demoTime
	}
}

const demoTime = 20 * time.Second
