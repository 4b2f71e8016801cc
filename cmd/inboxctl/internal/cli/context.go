package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newContextCmd(a *app) *cobra.Command {
	return newGroupCmd("context", "contexts", "Stored servers", newContextListCmd(a, nil), newContextUseCmd(a, nil), newContextCurrentCmd(a, nil),
		newContextSetCmd(a, nil), newContextDeleteCmd(a, nil))
}

// contextItem is a stored server without its secret.
type contextItem struct {
	Name      string  `json:"name"`
	Server    string  `json:"server"`
	Current   bool    `json:"current"`
	Protected bool    `json:"protected"`
	ReadOnly  bool    `json:"read_only"`
	Colour    *string `json:"colour"`
}

func wireContext(x admin.Context, config admin.Config) contextItem {
	c := contextItem{
		Name: x.Name, Server: x.Server, Current: x.Name == config.Current,
		Protected: x.Protected, ReadOnly: x.ReadOnly,
	}
	if x.Colour != "" {
		c.Colour = &x.Colour
	}
	return c
}

// local is the envelope of what this machine knows by itself.
func local[T any](a *app, kind string, item T) admin.One[T] {
	return admin.One[T]{Kind: kind, Item: item, AsOf: a.Now().UTC()}
}

func contextColumns() []column[contextItem] {
	return []column[contextItem]{
		{name: "CURRENT", cell: func(c contextItem, _ time.Time) string {
			if c.Current {
				return "*"
			}
			return " "
		}},
		{name: "CONTEXT", cell: func(c contextItem, _ time.Time) string { return c.Name }},
		{name: "SERVER", cell: func(c contextItem, _ time.Time) string { return c.Server }},
		{name: "CARE", cell: func(c contextItem, _ time.Time) string {
			var words []string
			if c.Protected {
				words = append(words, "protected")
			}
			if c.ReadOnly {
				words = append(words, "read-only")
			}
			return strings.Join(words, ", ")
		}},
	}
}
