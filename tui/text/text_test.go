package text_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/text"
)

// FuzzClean holds that no foreign text can do anything to a terminal.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"acme", "日本企業", "\x1b]0;title\x07", "\x9b2J", "\xff\xfe", "a\u202eb", "⚠\ufe0f", "a\r\nb\tc", "\x1b", "\u2028", "\x1b[1;38;5;202m12!\x1b[m ─●▅⣀…", "─\u0301", "\x1b[2Jx", "e\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean := text.Clean(s)
		require.True(t, utf8.ValidString(clean))
		for _, r := range clean {
			require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Cf, r), "%q is left of %q", r, s)
		}
		require.Equal(t, ansi.StringWidth(s), text.Width(s), "%q", s)
		for _, width := range []int{0, 1, 7, 40} {
			require.Equal(t, width, text.Width(text.Fill(clean, width, "…")))
			require.Equal(t, width, text.Width(text.FillRight(clean, width, "…")))
		}
	})
}

func TestCleanKeepsNames(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"acme", "日本企業", "Ünïcode & Söhne", "a b"} {
		require.Equal(t, name, text.Clean(name))
	}
	require.Equal(t, "red text", text.Clean("\x1b[31mred\ntext"))
	require.Equal(t, "Message undeliverable", text.Clean("Message\x1b[2J undeliverable"))
	require.Len(t, text.Clean(strings.Repeat("x", 1000)), 1000)
}
