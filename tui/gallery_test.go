package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/termshot"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// paint is a theme on the background it is for.
type paint struct {
	name  string
	theme theme.Options
	paper termshot.Paper
}

func paints() []paint {
	return []paint{
		{"dark", theme.Options{Color: true}, termshot.Dark()},
		{"light", theme.Options{Color: true, Light: true}, termshot.Light()},
		{"mono", theme.Options{}, termshot.Dark()},
	}
}

// Whoever chooses a terminal program looks at it first, as it is on theirs: each
// view in each size, and in each theme once. Run with -update after a change.
func TestGallery(t *testing.T) {
	t.Parallel()
	views := []string{"Overview", "Queues", "Jobs", "Latency", "Orgs", "SLA", "Limits", "Workers", "Alerts"}
	var page strings.Builder
	page.WriteString("# inboxctl top, view by view\n\nDrawn from the screens that the tests compare, so that they cannot differ from what runs. What the views are for: " +
		"[top.md](top.md).\n")
	for i, view := range views {
		fmt.Fprintf(&page, "\n## %d %s\n", i+1, view)
		for j, size := range [][2]int{{160, 48}, {120, 40}, {80, 24}} {
			p := paints()[(i+j)%3]
			name := fmt.Sprintf("%s-%dx%d-%s.svg", strings.ToLower(view), size[0], size[1], p.name)
			m := newTestModel()
			m.options.Changer = &fakeChanger{}
			m = send(pass(send(m, answered(m, evening())), 1), press(fmt.Sprint(i+1)))
			if view == "Jobs" {
				m = told4701()
			}
			m = sized(m, size[0], size[1])
			m.theme = theme.New(p.theme)
			fmt.Fprintf(&page, "\n![%s on %d by %d, %s](img/views/%s)\n", view, size[0], size[1], p.name, name)
			same(t, filepath.Join("..", "docs", "img", "views", name), termshot.SVG(m.View(), "inboxctl top", p.paper))
		}
	}
	same(t, "../docs/views.md", page.String())
}

// same compares a generated file with what is made now, or writes it.
func same(t *testing.T, path, made string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(made), 0o644))
		return
	}
	was, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(was), made, "%s: run with -update", path)
}
