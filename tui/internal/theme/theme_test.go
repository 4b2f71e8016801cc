package theme_test

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/theme"
)

// Paint must not change the text, or columns would move.
func TestPaintKeepsTheText(t *testing.T) {
	t.Parallel()

	for _, o := range []theme.Options{{Color: true}, {}, {Plain: true}} {
		for _, th := range []theme.Theme{theme.New(o), theme.New(o).Faded()} {
			for role := theme.Plain; role <= theme.Crit; role++ {
				for _, text := range []string{"", "   ", "  12!", "name   ", " a b "} {
					require.Equal(t, text, ansi.Strip(th.Paint(role, text)))
				}
			}
		}
	}
}

// Old data must look old everywhere, but the operator must still see where they
// are.
func TestFadedKeepsOnlyTheBadges(t *testing.T) {
	t.Parallel()

	th := theme.New(theme.Options{Color: true})
	faded := th.Faded()
	require.Equal(t, th.Paint(theme.Production, "PROD"), faded.Paint(theme.Production, "PROD"))
	for _, role := range []theme.Role{theme.Plain, theme.Head, theme.Warn, theme.Crit, theme.Cursor} {
		require.Equal(t, th.Paint(theme.Dim, "12"), faded.Paint(role, "12"))
	}
}
