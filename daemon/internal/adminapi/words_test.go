package adminapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/why"
)

// An error class that the engine writes and the contract does not know could be
// seen in a list, and not be asked for.
func TestErrorClassesAreThoseOfTheEngine(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../job/class.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var engine []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Class" {
			return true
		}
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		switch job.Class(word) {
		case job.ClassNone, job.ClassOK, job.ClassOKHeld: // No failures.
		default:
			engine = append(engine, word)
		}
		return true
	})
	require.Equal(t, engine, admin.ErrorClasses())
}

// A cause that the contract does not know could not be told by programs.
func TestCauseCodesAreThoseOfWhy(t *testing.T) {
	t.Parallel()
	require.Equal(t, why.Codes(), admin.CauseCodes())
}

// Who looks for a user must learn where it was looked for.
func TestUnknownUserSaysWhere(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	all, bound := as(t, server, "admin"), as(t, server, "@admin")
	nobody := admin.Selector{User: []string{"nobody"}}
	for want, err := range map[string]error{
		"there is no user \"nobody\" in any org: see `inboxctl users list`":        second(all.Jobs(t.Context(), nobody, admin.Page{})),
		"there is no user \"nobody\" in acme or globex: see `inboxctl users list`": second(all.Jobs(t.Context(), admin.Selector{User: nobody.User, Org: []string{"acme", "globex"}}, admin.Page{})),
		"there is no user \"nobody\" in your org: see `inboxctl users list`":       second(bound.Jobs(t.Context(), nobody, admin.Page{})),
		"there is no user \"nobody\" in acme: see `inboxctl users list`":           second(all.CreateToken(t.Context(), admin.TokenCreate{Org: "acme", User: "nobody"})),
		`there is no user "dan" in acme: did you mean dana?`:                       second(all.CreateToken(t.Context(), admin.TokenCreate{Org: "acme", User: "dan"})),
	} {
		require.EqualError(t, err, want)
	}
}
