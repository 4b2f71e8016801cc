package tui

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/theme"
)

func TestBlanksAreErased(t *testing.T) {
	t.Parallel()

	e := &eraser{}
	for in, want := range map[string]string{
		"a" + strings.Repeat(" ", 11) + "b":               "a           b",
		"a" + strings.Repeat(" ", 12) + "b":               "a\x1b[12X\x1b[12Cb",
		"\x1b[2m│\x1b[m" + strings.Repeat(" ", 98) + "│":  "\x1b[2m│\x1b[m\x1b[98X\x1b[98C│",
		"\x1b[7m" + strings.Repeat(" ", 20) + "\x1b[m":    "\x1b[7m" + strings.Repeat(" ", 20) + "\x1b[m",
		"\x1b[H\r\n\x1b[K\x1b7" + strings.Repeat(" ", 12): "\x1b[H\r\n\x1b[K\x1b7\x1b[12X\x1b[12C",
		"\x1b[": "\x1b[", "\x1b": "\x1b", "": "",
	} {
		require.Equal(t, want, string(e.shorter([]byte(in))), "%q", in)
	}
	e.shorter([]byte("\x1b[7m"))
	require.Equal(t, strings.Repeat(" ", 30), string(e.shorter([]byte(strings.Repeat(" ", 30)))), "a style lasts from one write to the next")
}

// Only what can be relied on: elsewhere, and in a file, blanks are blanks.
func TestErasingNeedsATerminalThatCan(t *testing.T) {
	t.Parallel()

	require.IsType(t, &eraser{}, erasing(os.Stdout, "xterm-256color"))
	require.Equal(t, os.Stdout, erasing(os.Stdout, "wyse60"))
	out := &bytes.Buffer{}
	require.Equal(t, out, erasing(out, "xterm"))
}

// A wide screen is mostly blank; what is sent for it is not.
func TestFramesAreSentShort(t *testing.T) {
	t.Parallel()

	for _, key := range []string{"2", "5", "8"} {
		m := on(key)()
		m.theme = theme.New(theme.Options{Color: true})
		frame := sized(m, 160, 48).View()
		require.Less(t, len((&eraser{}).shorter([]byte(frame))), len(frame)*2/3, key)
	}
}
