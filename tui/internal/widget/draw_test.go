package widget_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

func floats(values ...float64) (all []*float64) {
	for _, v := range values {
		all = append(all, &v)
	}
	return all
}

// A spark that guesses what is not known would lie about an outage.
func TestSparkShowsWhatIsKnown(t *testing.T) {
	t.Parallel()
	g := plain().Glyphs

	require.Equal(t, "  ▁▂▄▇", widget.Spark(g, floats(0, 1, 4, 7), 6))
	require.Equal(t, "▁▁▁", widget.Spark(g, floats(0, 0, 0), 3))
	require.Equal(t, "▁▇", widget.Spark(g, floats(1, 4, 0, 7), 2), "what shares a bar shows its peak")
	values := floats(7, 7, 7)
	values[1] = nil
	require.Equal(t, "▁ ▁", widget.Spark(g, values, 3))
	require.Equal(t, "▁▄▇", widget.Spark(g, floats(100, 103, 106), 3), "small moves of large figures show")
	require.Equal(t, "    ", widget.Spark(g, nil, 4))
}

// Anything in use must show, and nothing may look full that is not.
func TestGauge(t *testing.T) {
	t.Parallel()
	g := plain().Glyphs

	for want, share := range map[string]float64{"──────────": 0, "━─────────": 0.001, "━━━━━─────": 0.5, "━━━━━━━━━─": 0.99, "━━━━━━━━━━": 1} {
		require.Equal(t, want, widget.Gauge(g, share, 10))
	}
	require.Equal(t, "━━━", widget.Gauge(g, 7, 3))
	require.Equal(t, "───", widget.Gauge(g, -1, 3))
}

func TestChartIsAsLargeAsItMayBe(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		th := theme.New(theme.Options{Plain: true, ASCII: rapid.Bool().Draw(t, "ascii")})
		var values []*float64
		for _, v := range rapid.SliceOfN(rapid.Float64Range(0, 1e9), 0, 200).Draw(t, "values") {
			values = append(values, &v)
		}
		width, height := rapid.IntRange(0, 250).Draw(t, "width"), rapid.IntRange(0, 40).Draw(t, "height")
		lines := widget.Chart(th, values, width, height, func(v float64) string { return text.Count(int64(v)) })
		if len(lines) != 0 && len(lines) != height {
			t.Fatalf("%d lines of %d", len(lines), height)
		}
		for _, line := range lines {
			if ansi.StringWidth(line) > width {
				t.Fatalf("%q is wider than %d", line, width)
			}
		}
	})
}

// The peak and the end of the past must be where they are looked for.
func TestChartPutsTheNewestAtTheRight(t *testing.T) {
	t.Parallel()

	lines := widget.Chart(theme.New(theme.Options{Plain: true, ASCII: true}), floats(0, 0, 0, 10), 20, 3, func(v float64) string { return text.Count(int64(v)) })
	require.True(t, strings.HasPrefix(strings.TrimLeft(lines[0], " "), "10 |"), lines[0])
	require.True(t, strings.HasSuffix(lines[0], "*"), lines[0])
	require.Contains(t, lines[2], "0 |**")
}

func TestPanelIsExactlyAsLargeAsAsked(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(4, 100).Draw(t, "width"), rapid.IntRange(2, 30).Draw(t, "height")
		title := rapid.SampledFrom([]string{"", "QUEUES", "日本企業の待ち行列", strings.Repeat("x", 200)}).Draw(t, "title")
		lines := widget.Panel(plain(), title, true, []string{"日本", strings.Repeat("y", 300)}, width, height)
		if len(lines) != height {
			t.Fatalf("%d lines of %d", len(lines), height)
		}
		for _, line := range lines {
			if ansi.StringWidth(line) != width {
				t.Fatalf("%q is %d cells, not %d", line, ansi.StringWidth(line), width)
			}
		}
	})
}

// What matters stays when a line gets narrow.
func TestLineDropsTheLeastWantedFirst(t *testing.T) {
	t.Parallel()

	segments := []widget.Segment{{Text: "SLA 98%!"}, {Text: "depth 12", Rank: 1}, {Text: "in 3/s", Rank: 2}}
	require.Equal(t, "SLA 98%!  depth 12  in 3/s", widget.Line(plain(), 40, "  ", segments...))
	require.Equal(t, "SLA 98%!  depth 12", widget.Line(plain(), 20, "  ", segments...))
	require.Equal(t, "SLA 98%!", widget.Line(plain(), 9, "  ", segments...))
	require.Equal(t, "SLA …", widget.Line(plain(), 5, "  ", segments...))
}
