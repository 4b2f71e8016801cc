// Command inboxctl shows and changes what inboxd does.
package main

import (
	"os"

	"github.com/bandeja/inboxd/cmd/inboxctl/internal/cli"
)

// Set by the linker.
var version, commit, date = "dev", "none", "unknown"

func main() {
	os.Exit(cli.Main(cli.Build{Version: version, Commit: commit, Date: date}))
}
