// Command withstack runs a command, usually go test, with one PostgreSQL and
// one Redis server for all of it:
//
//	go run ./daemon/internal/devstack/withstack -- go test ./...
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

func main() {
	argv := os.Args[1:]
	if len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	code, err := devstack.RunWith(context.Background(), argv, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withstack:", err)
		code = max(code, 1)
	}
	os.Exit(code) //nolint:forbidigo // This is a main.
}
