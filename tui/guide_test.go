package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/termshot"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

const guide = "../docs/top.md"

// The keys of the guide are those of the program. Run with -update after a
// change.
func TestGuideHasTheKeys(t *testing.T) {
	t.Parallel()

	var table strings.Builder
	for _, change := range []bool{false, true} {
		head := "Look"
		if change {
			head = "Change (asked first)"
		}
		fmt.Fprintf(&table, "| Keys | %s |\n|---|---|\n", head)
		for _, l := range keys.Default().Lines() {
			if l.Change == change {
				var names []string
				for key := range strings.FieldsSeq(l.Keys) {
					names = append(names, "`"+key+"`")
				}
				fmt.Fprintf(&table, "| %s | %s |\n", strings.Join(names, " "), l.Text)
			}
		}
		table.WriteByte('\n')
	}
	raw, err := os.ReadFile(guide)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(raw), "<!-- keys -->\n")
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, "<!-- /keys -->")
	require.True(t, ok)
	want := before + "<!-- keys -->\n" + table.String() + "<!-- /keys -->" + after
	if *update {
		require.NoError(t, os.WriteFile(guide, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(raw))
}

// pictures are those of the guides: a state, a size, a theme.
func pictures() map[string]func() string {
	shot := func(state func() model, width, height int, o theme.Options, p termshot.Paper) func() string {
		return func() string {
			m := sized(state(), width, height)
			m.theme = theme.New(o)
			return termshot.SVG(m.View(), "inboxctl top", p)
		}
	}
	dark, light := theme.Options{Color: true}, theme.Options{Color: true, Light: true}
	all := map[string]func() string{
		"top.svg":            shot(on(), 160, 48, dark, termshot.Dark()),
		"top-light.svg":      shot(on(), 160, 48, light, termshot.Light()),
		"top-mono.svg":       shot(on(), 160, 48, theme.Options{}, termshot.Dark()),
		"top-jobs.svg":       shot(withJobs, 80, 24, dark, termshot.Dark()),
		"top-question.svg":   shot(counted, 80, 24, dark, termshot.Dark()),
		"top-why.svg":        shot(func() model { return told(withJobs(), press("w")) }, 80, 24, dark, termshot.Dark()),
		"top-latency.svg":    shot(on("4", "j"), 80, 24, dark, termshot.Dark()),
		"top-small.svg":      shot(on(), 80, 24, dark, termshot.Dark()),
		"top-small-mono.svg": shot(on(), 80, 24, theme.Options{}, termshot.Light()),
		"top-queues.svg":     shot(on("2"), 160, 48, dark, termshot.Dark()),
	}
	return all
}

// Pictures are drawn from the frames that are tested.
func TestPicturesAreOfThisProgram(t *testing.T) {
	t.Parallel()

	raw, err := os.ReadFile(guide)
	require.NoError(t, err)
	for name, draw := range pictures() {
		require.Contains(t, string(raw), "img/"+name, "nobody looks at it")
		path := filepath.Join("..", "docs", "img", name)
		got := draw()
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			continue
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "%s: run with -update", name)
	}
}
