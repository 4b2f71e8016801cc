package widget_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/widget"
)

// FuzzClean holds that no foreign text can do anything to a terminal.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"acme", "日本企業", "\x1b]0;title\x07", "\x9b2J", "\xff\xfe", "a\u202eb", "⚠\ufe0f", "a\r\nb\tc", "\x1b", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean := widget.Clean(s)
		require.True(t, utf8.ValidString(clean))
		require.LessOrEqual(t, utf8.RuneCountInString(clean), 256)
		for _, r := range clean {
			require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Cf, r), "%q is left of %q", r, s)
		}
		for _, width := range []int{0, 1, 7, 40} {
			require.Equal(t, width, widget.Width(widget.Fill(clean, width, "…")))
			require.Equal(t, width, widget.Width(widget.FillRight(clean, width, "…")))
		}
	})
}

func TestCleanKeepsNames(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"acme", "日本企業", "Ünïcode & Söhne", "a b"} {
		require.Equal(t, name, widget.Clean(name))
	}
	require.Equal(t, "red text", widget.Clean("\x1b[31mred\ntext"))
	require.Len(t, widget.Clean(strings.Repeat("x", 1000)), 256)
}
