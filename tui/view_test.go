package tui

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

var update = flag.Bool("update", false, "write the golden files")

// states are the faces of the screen, by name.
func states() map[string]func() model {
	return map[string]func() model{
		"connecting": newTestModel,
		"no_data":    func() model { m := newTestModel(); return pass(send(m, failed(m, refused())), 1) },
		"live":       func() model { m := newTestModel(); return pass(send(m, answered(m, busy())), 1) },
		"lag":        func() model { m := newTestModel(); return pass(send(m, answered(m, busy())), 7) },
		"stale": func() model {
			m := newTestModel()
			m = pass(send(m, answered(m, busy())), 1)
			for range 14 {
				m = pass(m, 1)
				m = send(m, failed(m, refused()))
			}
			return m
		},
		"frozen": func() model { m := newTestModel(); return pass(send(m, answered(m, busy()), press("f")), 1) },
		"help":   func() model { m := newTestModel(); return send(m, answered(m, busy()), press("?")) },
		"order_held": func() model {
			m := newTestModel()
			return pass(send(m, answered(m, busy()), press("2"), press("j")), 1)
		},
		"sorted": func() model {
			m := newTestModel()
			return send(m, answered(m, busy()), press("2"), press(">"), press(">"))
		},
		"queues":    on("2"),
		"jobs":      withJobs,
		"latency":   on("4"),
		"orgs":      on("5"),
		"sla":       on("6"),
		"limits":    on("7"),
		"workers":   on("8"),
		"alerts":    on("9"),
		"job":       withStory,
		"why":       func() model { return told(withJobs(), press("w")) },
		"errors":    func() model { return told(on("2")(), press("e")) },
		"misses":    func() model { return told(on("6")(), enter()) },
		"limit":     func() model { return told(on("7")(), enter()) },
		"spread":    func() model { return told(on("4")(), enter()) },
		"running":   ofProcess,
		"changing":  func() model { m, _ := changing("2", "R"); return agree(m) },
		"failed":    func() model { return send(on("2", "R")(), countedMsg{number: 1, err: refused()}) },
		"protected": func() model { m := on("2")(); m.options.Protected = "prod"; return send(m, press("R")) },
		"ops":       func() model { return told(on(":", "o", "p", "s")(), tea.KeyMsg{Type: tea.KeyEnter}) },
		"filtered":  on("5", "/", "a", "c", "m"),
		"nothing":   on("5", "/", "z", "z"),
		"marked":    func() model { return send(withJobs(), press(" "), press(" ")) },
		"question":  counted,
		"fields":    on("2", "P"),
		"not_known": func() model { m := newTestModel(); return send(m, answered(m, unhealthy())) },
		"not_allowed": func() model {
			m := newTestModel()
			return send(m, failed(m, &admin.Error{Kind: admin.Forbidden, Text: "this token is bound to org acme"}))
		},
		"newer_server": func() model {
			m := newTestModel()
			newer := busy()
			newer.Item.Version = "v0.4.0"
			return pass(send(m, answered(m, newer)), 1)
		},
		"restarted": func() model {
			m := newTestModel()
			m = pass(send(m, answered(m, busy())), 1)
			again := busy()
			again.Item.Epoch, again.Item.Seq = "b2", 1
			return send(m, answered(m, again))
		},
		"typing":    on(":", "j"),
		"read_only": func() model { m := on("2")(); m.options.ReadOnly = true; return m },
		"draining":  func() model { m, _ := changing("8", "D"); return run(pass(m, 1), enter()) },
		"picker":    on("2", "s"),
		"scrolled":  on("2", "l", "l", "l", "l"),
		"past": func() model {
			m := pass(on("2")(), 10)
			return send(m, answered(m, up()), press("["))
		},
		"idle": func() model { m := newTestModel(); return send(m, answered(m, idle())) },
	}
}

func unhealthy() admin.One[admin.Top] {
	answer := busy()
	answer.Item.Queues, answer.Item.Workers, answer.Item.Alerts = nil, nil, nil
	answer.Item.Parts[0] = admin.TopPart{Name: "postgres", Error: new("dial tcp 10.0.4.9:5432: connect: connection refused")}
	return answer
}

func idle() admin.One[admin.Top] {
	answer := busy()
	answer.Item.Environment = ""
	for i, q := range answer.Item.Queues {
		answer.Item.Queues[i] = admin.TopQueue{ID: q.ID, Name: q.Name, Dial: q.Dial}
	}
	answer.Item.Workers, answer.Item.Alerts, answer.Item.Series = answer.Item.Workers[2:3], nil, nil
	answer.Item.Orgs, answer.Item.Users, answer.Item.Limits = nil, nil, nil
	answer.Item.Vitals = admin.Vitals{}
	return answer
}

// on is a live screen after some keys.
func on(pressed ...string) func() model {
	return func() model {
		m := newTestModel()
		m.options.Changer = &fakeChanger{matched: 4711}
		m = pass(send(m, answered(m, busy())), 1)
		for _, key := range pressed {
			m = send(m, press(key))
		}
		return m
	}
}

func withJobs() model {
	m := on("3")()
	return send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobRows(), Next: new("n")}})
}

// ofProcess is what a process runs.
func ofProcess() model {
	m := on("8")()
	next, _ := m.Update(enter())
	m = next.(model)
	return send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobRows()}})
}

// agree has a question counted and agreed to; the server is still at it.
func agree(m model) model {
	m = send(m, countedMsg{number: m.question.number, phrase: "118", lines: []string{"118 jobs: acme 118"}, op: "op1", commit: func() tea.Cmd { return nil }})
	return send(word(pass(m, 1), "118"), enter())
}

func withStory() model {
	return told(withJobs(), tea.KeyMsg{Type: tea.KeyEnter})
}

// told opens something and has it answered.
func told(m model, open tea.Msg) model {
	source, _ := m.options.Source.(*fakeSource)
	source.job.Item = jobStory()
	next, cmd := m.Update(open)
	return send(next.(model), cmd())
}

// counted is the question of a retry with its numbers.
func counted() model {
	m := on("2", "R")()
	return send(m, countedMsg{
		number: m.question.number, phrase: "4711", warning: []string{"acme is held: they wait until it is resumed"},
		lines: []string{"4711 jobs: acme 4000, globex 711", "customers 902, outside the 24 h window 12 (Meta refuses them)", "left alone: 3, uncertain", "undo: those that have not run yet"},
	})
}

// What the engineer sees, in each state, at each size. Run with -update after a
// change, and look at the difference.
func TestViewGoldens(t *testing.T) {
	t.Parallel()

	sizes := map[string][][2]int{
		"live":   {{40, 10}, {120, 40}, {160, 48}},
		"queues": {{120, 40}, {160, 48}}, "jobs": {{120, 40}, {160, 48}}, "latency": {{120, 40}, {160, 48}}, "orgs": {{120, 40}, {160, 48}},
		"sla": {{120, 40}, {160, 48}}, "limits": {{120, 40}, {160, 48}}, "workers": {{120, 40}, {160, 48}}, "alerts": {{120, 40}, {160, 48}},
		"misses": {{120, 40}, {160, 48}}, "limit": {{120, 40}}, "spread": {{40, 10}, {120, 40}, {160, 48}}, "running": {{160, 48}},
		"help": {{40, 10}, {120, 40}}, "job": {{120, 40}}, "past": {{160, 48}},
	}
	for name, state := range states() {
		for _, size := range append([][2]int{{80, 24}}, sizes[name]...) {
			file := fmt.Sprintf("%s_%dx%d.golden", name, size[0], size[1])
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				got := sized(state(), size[0], size[1]).View() + "\n"
				path := filepath.Join("testdata", file)
				if *update {
					require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")))
			})
		}
	}
}

// Colour must never carry a meaning alone: without it the text is the same.
func TestColourAddsNothing(t *testing.T) {
	t.Parallel()

	for name, state := range states() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := sized(state(), 160, 48)
			plain := m.View()
			for _, o := range []theme.Options{{Color: true}, {Color: false}} {
				m.theme = theme.New(o)
				drawn := m.View()
				require.Contains(t, drawn, "\x1b[")
				require.Empty(t, cmp.Diff(plain, ansi.Strip(drawn)))
			}
		})
	}
}

// NO_COLOR means no colour; bold and faint are fine.
func TestNoColorHasNoColor(t *testing.T) {
	t.Parallel()

	for name, state := range states() {
		m := sized(state(), 120, 40)
		m.theme = theme.New(theme.Options{})
		for _, code := range []string{"\x1b[3", "\x1b[4", "38;5", "48;5"} {
			require.NotContains(t, m.View(), code, name)
		}
	}
}

// A terminal without UTF-8 shows every other letter as rubbish.
func TestASCIIHasOnlyASCII(t *testing.T) {
	t.Parallel()

	for name, state := range states() {
		m := sized(state(), 120, 40)
		m.theme, m.options.ASCII = theme.New(theme.Options{ASCII: true}), true
		for _, r := range m.View() {
			require.Less(t, r, rune(128), "%s draws %q", name, r)
		}
	}
}

// Bubble Tea cuts what is too large without a word: the top of a frame that is
// too high, the right of a line that is too wide.
func TestFrameHasExactlyTheSizeOfTheWindow(t *testing.T) {
	t.Parallel()

	for name, state := range states() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := state()
			m.theme = theme.New(theme.Options{Color: true})
			for _, height := range []int{5, 6, 8, 10, 13, 24, 48, 80} {
				for width := 20; width <= 250; width += 1 + width/16 {
					requireFits(t, sized(m, width, height))
				}
			}
		})
	}
}

func requireFits(t *testing.T, m model) {
	t.Helper()
	lines := strings.Split(m.View(), "\n")
	require.Len(t, lines, m.height, "%dx%d", m.width, m.height)
	for i, line := range lines {
		require.LessOrEqual(t, ansi.StringWidth(line), m.width, "line %d of %dx%d: %q", i+1, m.width, m.height, line)
	}
}

// The first frame is drawn before any message, and before the size is known.
func TestFirstFrameNeedsNoMessage(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	requireFits(t, m)
	requireFits(t, sized(m, 0, 0))
	require.Contains(t, m.View(), "Connecting to unix:///run/inboxd/admin.sock")
}

// A name in another script takes two cells a letter: what is beside it must not
// move.
func TestColumnsStandUnderTheirTitles(t *testing.T) {
	t.Parallel()

	odd := busy()
	odd.Item.Orgs[1].Name = "café 👍 naïve"
	for _, size := range [][2]int{{80, 24}, {120, 40}, {160, 48}} {
		m := on("5")()
		m = sized(send(m, answered(m, odd)), size[0], size[1])
		lines := strings.Split(m.View(), "\n")
		at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "READY") })
		before := func(line, word string) int {
			left, _, ok := strings.Cut(line, word)
			require.True(t, ok, "%q in %q", word, line)
			return ansi.StringWidth(left + word)
		}
		want := before(lines[at], "READY")
		for i, ready := range []string{"9102", "5120", " 811", "   0"} {
			require.Equal(t, want, before(lines[at+1+i], ready), "%dx%d: %q", size[0], size[1], lines[at+1+i])
		}
	}
}

// What a question says is read before it is agreed to: all of it, and what is to
// be typed in any case.
func TestQuestionsAndRemarksAreWhole(t *testing.T) {
	t.Parallel()

	long := "12 of 4711 are outside the 24 h window of Meta, which refuses them and counts them against the quality of the number"
	m := on("2", "R")()
	asked := countedMsg{number: m.question.number, phrase: "4711", lines: []string{long}}
	require.Contains(t, strings.Join(strings.Fields(strings.ReplaceAll(send(m, asked).View(), "│", "")), " "), long)
	for range 40 {
		asked.warning = append(asked.warning, long)
	}
	require.Contains(t, send(m, asked).View(), "type 4711 and Enter")
	require.Contains(t, strings.Join(strings.Fields(send(m, countedMsg{number: 1, err: errors.New(long)}).View()), " "), long)
}
