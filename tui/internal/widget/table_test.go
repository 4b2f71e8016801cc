package widget_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

func plain() theme.Theme { return theme.New(theme.Options{Plain: true}) }

func numbered(n int) widget.Table {
	t := widget.Table{Columns: []widget.Column{
		{Title: "NAME", Width: 6, Most: 10},
		{Title: "P50", Group: "wait", Width: 5, Right: true, Rank: 2},
		{Title: "P95", Group: "wait", Width: 5, Right: true, Rank: 1},
	}}
	for i := range n {
		id := "row" + strconv.Itoa(i)
		t.Rows = append(t.Rows, widget.Row{ID: id, Cells: []widget.Cell{{Text: id}, {Text: "1ms"}, {Text: "2ms"}}})
	}
	return t
}

func TestTableDropsTheLeastWantedColumns(t *testing.T) {
	t.Parallel()

	require.Equal(t, []string{"            wait ──────", " NAME         P50   P95", " row0         1ms   2ms"}, numbered(1).View(plain(), 23, 9))
	require.Equal(t, []string{"        wait", " NAME     P95", " row0     2ms"}, numbered(1).View(plain(), 13, 9))
	require.Equal(t, []string{" NAME", " row0"}, numbered(1).View(plain(), 10, 9))
}

// The cursor is always in sight, and what is out of sight is counted.
func TestTableKeepsTheCursorInSight(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "rows")
		at := rapid.IntRange(0, n-1).Draw(t, "cursor")
		height := rapid.IntRange(4, 40).Draw(t, "height")
		table := numbered(n)
		table.Cursor = "row" + strconv.Itoa(at)
		lines := table.View(plain(), 40, height)
		if len(lines) > height {
			t.Fatalf("%d lines in %d", len(lines), height)
		}
		if !strings.Contains(strings.Join(lines, "\n"), "▌row"+strconv.Itoa(at)) {
			t.Fatalf("the cursor is out of sight:\n%s", strings.Join(lines, "\n"))
		}
		if drawn := height - 2; n > drawn {
			if want := " + " + strconv.Itoa(n-drawn+1) + " more"; lines[len(lines)-1] != want {
				t.Fatalf("got %q, want %q", lines[len(lines)-1], want)
			}
		}
	})
}

// Ten thousand rows must not cost more than the ones in sight.
func BenchmarkTable(b *testing.B) {
	table := numbered(10_000)
	table.Cursor = "row9000"
	for b.Loop() {
		_ = table.View(plain(), 120, 55)
	}
}
