package cli

import (
	"bytes"
	"context"
	"time"

	"github.com/spf13/cobra"
)

// serverWait is how long version waits for the server: it is asked when
// something is wrong, and must not hang then.
const serverWait = time.Second

type versionOptions struct {
	*app
}

// versionItem is what version answers; ServerVersion is null if no server
// answers.
type versionItem struct {
	Build

	Server        *string `json:"server"`
	ServerVersion *string `json:"server_version"`
}

func newVersionCmd(a *app, run func(context.Context, *versionOptions) error) *cobra.Command {
	o := &versionOptions{app: a}
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of inboxctl and of the server",
		Long: `Show the versions of inboxctl and of the server. It exits 0 also if no server
answers. inboxctl --version does not ask the server.`,
		Example: `  inboxctl version
  inboxctl version -o json`,
		Args: takes(),
		RunE: does(o, run, runVersion),
	}
}

func runVersion(ctx context.Context, o *versionOptions) error {
	if err := o.needsMoreThanNames("version"); err != nil {
		return err
	}
	item := versionItem{Build: o.Build}
	if client, t, err := o.connect(); err == nil {
		ctx, cancel := context.WithTimeout(ctx, serverWait)
		defer cancel()
		item.Server = &t.Server
		_, _ = client.Version(ctx) // Even a refusal says the version.
		if v := client.ServerVersion(); v != "" {
			item.ServerVersion = &v
		}
	}
	return o.printVersion(item, orElse(maybe(item.ServerVersion), "no answer")+" ("+orElse(maybe(item.Server), "no address")+")")
}

// printVersion leaves the server out if server is empty: then it was not asked.
func (a *app) printVersion(item versionItem, server string) error {
	return printOne(a, local(a, "version", item), func(b *bytes.Buffer, v versionItem, _ time.Time) {
		writePairs(b, pair{"inboxctl", v.Version}, pair{"commit", v.Commit}, pair{"built", v.Date}, pair{"inboxd", server})
	})
}

// addVersionFlag gives the root --version, which works without any server.
func (a *app) addVersionFlag(root *cobra.Command) {
	var asked bool
	root.Flags().BoolVar(&asked, "version", false, "show the version of inboxctl")
	group := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if !asked || len(args) > 0 {
			return group(cmd, args)
		}
		if err := a.needsMoreThanNames("--version"); err != nil {
			return err
		}
		return a.printVersion(versionItem{Build: a.Build}, "")
	}
}
