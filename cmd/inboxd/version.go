package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/daemon"
)

// Set by the linker: -ldflags "-X main.version=v0.1.0 -X main.commit=... -X main.date=...".
var version, commit, date string //nolint:gochecknoglobals // the linker can set nothing else

// build prefers what the linker says, then what the toolchain recorded.
func build() daemon.Build {
	b := daemon.Build{Version: version, Commit: commit}
	if info, ok := debug.ReadBuildInfo(); ok && b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "dev"
	}
	return b
}

func newVersionCmd(env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print which program this is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := build()
			cmd.Printf("inboxd %s (commit %s, built %s, %s, %s/%s)\n",
				b.Version, orUnknown(b.Commit), orUnknown(date), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
