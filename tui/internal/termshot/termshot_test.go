package termshot_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/termshot"
)

// A picture that no viewer opens is found by whoever reads the guide.
func TestSVGIsWellFormed(t *testing.T) {
	t.Parallel()

	frame := " \x1b[1;38;5;255;48;5;126m PROD \x1b[m <a&b> \x1b[2mold\x1b[m\n╭─日本─╮ ▂▇ ⣀⡠ ━━── │┤╰╯▌\n"
	svg := termshot.SVG(frame, `top & "more"`, termshot.Dark())
	var any struct{}
	require.NoError(t, xml.Unmarshal([]byte(svg), &any))
	require.Contains(t, svg, "&lt;a&amp;b&gt;")
	require.Contains(t, svg, `fill="#af0087"`, "the ground of the badge")
	require.Contains(t, svg, `fill="#7d8490">old`)
	require.Contains(t, svg, `textLength="33.6" lengthAdjust="spacingAndGlyphs">日本<`, "two letters of two cells")
	require.NotContains(t, svg, "━", "lines are shapes")
	require.Equal(t, svg, termshot.SVG(frame, `top & "more"`, termshot.Dark()), "the same each time")
	require.Less(t, len(termshot.SVG(strings.Repeat("x", 10), "", termshot.Light())), 800)
}
