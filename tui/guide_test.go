package tui

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
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
	after := func(pressed ...string) func() model {
		return func() model {
			m := newTestModel()
			m.options.Changer = &fakeChanger{}
			m = pass(send(m, answered(m, evening())), 1)
			for _, key := range pressed {
				m = send(m, press(key))
			}
			return m
		}
	}
	shot := func(state func() model, width, height int, o theme.Options, p termshot.Paper) func() string {
		return func() string {
			m := sized(state(), width, height)
			m.theme = theme.New(o)
			return termshot.SVG(m.View(), "inboxctl top", p)
		}
	}
	dark, light := theme.Options{Color: true}, theme.Options{Color: true, Light: true}
	all := map[string]func() string{
		"top.svg":            shot(after(), 160, 48, dark, termshot.Dark()),
		"top-light.svg":      shot(after(), 160, 48, light, termshot.Light()),
		"top-mono.svg":       shot(after(), 160, 48, theme.Options{}, termshot.Dark()),
		"top-jobs.svg":       shot(told4701, 160, 36, dark, termshot.Dark()),
		"top-question.svg":   shot(counted, 80, 24, dark, termshot.Dark()),
		"top-why.svg":        shot(func() model { return told(withJobs(), press("w")) }, 80, 24, dark, termshot.Dark()),
		"top-latency.svg":    shot(after("4", "j"), 80, 24, dark, termshot.Dark()),
		"top-small.svg":      shot(after(), 80, 24, dark, termshot.Dark()),
		"top-small-mono.svg": shot(after(), 80, 24, theme.Options{}, termshot.Light()),
		"top-queues.svg":     shot(after("2"), 160, 48, dark, termshot.Dark()),
	}
	return all
}

// told4701 are jobs with the story of the one under the cursor beside them.
func told4701() model {
	rows := jobRows()
	for i := range 24 {
		j := rows[i%len(rows)]
		j.ID, j.AgeMS, j.Attempt = fmt.Sprint(4701+10*i), int64(1200*(i+2)*(i+1)), 1+i%4
		j.Org, j.User = []string{"acme", "umbrella", "globex", "initech"}[i%4], new([]string{"dana", "sam", "li"}[i%3])
		if i >= len(rows) {
			rows = append(rows, j)
		} else {
			rows[i] = j
		}
	}
	m := sized(on("3")(), 160, 36)
	m = send(m, answered(m, evening()), jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: rows, Next: new("n")}})
	d := jobStory()
	d.Attempt = 3
	return send(m, detailMsg{id: d.ID, answer: admin.One[admin.JobDetail]{Item: d}})
}

// evening is a picture without letters that the fonts of viewers lack, and with
// enough in it to fill a wide screen.
func evening() admin.One[admin.Top] {
	answer := busy()
	t := &answer.Item
	t.Orgs[2].Name, t.Users[1].Org = "initech", "initech"
	for i, name := range []string{"hooli", "vandelay", "stark", "wayne", "tyrell", "wonka", "oscorp", "cyberdyne"} {
		f := float64(i)
		t.Orgs = append(t.Orgs, org(name, int64(7-i), int64(5-i/2), 44-4*f, 0.99+f/1000, "send_text", 0.5-f/20))
		t.Limits = append(t.Limits, admin.TopLimit{ID: name, Org: name, Name: "send_text", Used: new(30 - 3*i), Max: 60, WindowMS: 60_000, Waiting: new(int64(0)), ResetMS: new(int64(800)), Source: "default"})
		t.Users = append(t.Users, admin.TopUser{ID: name, Org: name, Name: []string{"sam", "ana", "bo", "kim"}[i%4], N: int64(40 - 3*i), Met: new(0.97 + f/400), Objective: 0.8, TargetMS: 300_000, Misses: int64(i % 2), Burnt: new(0.2 - f/50), P50MS: new(41_000.0), P95MS: new(190_000.0)})
		t.Workers = append(t.Workers, admin.TopWorker{ID: fmt.Sprint(20 + i), Host: "node-" + string(rune('a'+i%4)), PID: 900 + i, Mode: "worker", Version: "v0.3.1", State: "ok", Busy: 31 + i, Slots: 64, Mostly: new("send_message"), BeatAgeMS: 200 + 40*int64(i), StartedAt: noon()})
	}
	t.Totals = admin.TopTotals{Orgs: 214, Users: 640, Limits: 380}
	for i, q := range t.Queues {
		t.Series.Queues[q.ID] = admin.TopTrack{Ready: swing(i, float64(q.Ready)), P95MS: swing(i+3, deref(q.Wait.P95MS))}
	}
	for i, y := range t.Types {
		t.Series.Types[y.ID] = swing(i, *y.Windows["5m"].E2E.P95MS)
	}
	return answer
}

func deref(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// swing is a past that goes up and down, another one for each seed.
func swing(seed int, top float64) (values []*float64) {
	for i := range 60 {
		x := float64(i) / 59
		values = append(values, new(top*(0.35+0.45*x+0.2*math.Sin(float64(seed)+x*float64(5+3*seed)))))
	}
	return values
}

// Pictures are drawn from the frames that are tested.
func TestPicturesAreOfThisProgram(t *testing.T) {
	t.Parallel()

	raw, err := os.ReadFile(guide)
	require.NoError(t, err)
	for name, draw := range pictures() {
		require.Contains(t, string(raw), "img/"+name, "nobody looks at it")
		same(t, filepath.Join("..", "docs", "img", name), draw())
	}
}
