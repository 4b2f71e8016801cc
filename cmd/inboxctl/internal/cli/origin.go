package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// origin is where the address of the server came from.
type origin int

const (
	fromDefault origin = iota // nobody named one
	fromFlag
	fromEnv
	fromContextFlag
	fromContextEnv
	fromCurrent
)

// explain says where the address came from and how to get rid of it: whoever
// cannot reach a server may not remember that one was named.
func (t target) explain() string {
	name := text.Clean(t.Name)
	drop := fmt.Sprintf("take another with `inboxctl context use NAME`, or drop it with `inboxctl context delete %s`", name)
	switch t.from {
	case fromFlag:
		return "The address came from --server."
	case fromEnv:
		return "The address came from INBOXCTL_SERVER in the environment: unset it, or name another with --server."
	case fromContextFlag:
		return fmt.Sprintf("The address came from --context %s: see `inboxctl context list`, or drop it with `inboxctl context delete %s`.", name, name)
	case fromContextEnv:
		return fmt.Sprintf("The address came from context %s, which INBOXCTL_CONTEXT names: unset that, or drop the context with `inboxctl context delete %s`.", name, name)
	case fromCurrent:
		return fmt.Sprintf("The address came from context %s, the current one: %s.", name, drop)
	case fromDefault:
		return "No server was named: store one with `inboxctl login`, or give it with --server (after `inboxd dev --no-context` it is admin_server in dev.json)."
	}
	return ""
}

// misled reports whether err may come from a wrong address. A socket that is slow
// is the right one.
func (t target) misled(err error) bool {
	e, ok := errors.AsType[*admin.Error](err)
	if !ok || e.Code == admin.CodeTimeout && strings.HasPrefix(t.Server, "unix:") {
		return false
	}
	switch e.Code {
	case admin.CodeUnreachable, admin.CodeTimeout, admin.CodeNotInboxd, admin.CodePublicAPI:
		return true
	}
	return false
}
