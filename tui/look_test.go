package tui

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

func up() admin.One[admin.Top] { // the same night, later
	answer := busy()
	answer.Item.Seq, answer.Item.Vitals.Depth = 78, 20
	return answer
}

// What was seen a moment ago can be seen again; it says that it is the past, and
// nothing can be changed in it.
func TestPastIsShownAndCannotBeChanged(t *testing.T) {
	t.Parallel()

	m, changer := changing("2")
	require.Contains(t, send(m, press("[")).View(), "nothing older is kept")
	m = pass(m, 10)
	m = send(m, answered(m, up()))
	require.Contains(t, m.View(), "depth 20")
	past := send(m, press("["))
	require.Contains(t, past.View(), "PAST 11s ago")
	require.Contains(t, past.View(), "depth 14.9k")
	require.Contains(t, past.View(), "off: this is the past")
	require.Contains(t, run(past, press("R")).View(), "f goes back to now")
	require.Empty(t, changer.plans)
	require.Contains(t, send(past, press("3")).View(), "not kept")

	past = pass(past, 5)
	past = send(past, answered(past, busy()))
	require.Contains(t, past.View(), "PAST 16s ago", "what comes meanwhile does not move it")
	for _, key := range []string{"f"} {
		require.Contains(t, send(past, press(key)).View(), "● live 0s")
	}
	require.Contains(t, send(past, press("]"), press("]"), press("]")).View(), "● live 0s")
}

func TestPastIsBounded(t *testing.T) {
	t.Parallel()

	m, _ := changing("2")
	for range 200 {
		m = pass(m, 2)
		m = send(m, answered(m, busy()))
	}
	require.Len(t, m.past, pastKept)
	for range 2 * pastKept {
		m = send(m, press("["))
	}
	require.LessOrEqual(t, m.ago, pastKept)
	require.Contains(t, m.View(), "PAST 1m5")
}

// The order is chosen from a list, by word.
func TestSortIsPicked(t *testing.T) {
	t.Parallel()

	m := on("5", "s")()
	require.Contains(t, m.View(), "SORT BY")
	require.Contains(t, m.View(), "▌worst first")
	m = run(send(m, press("j"), press("j"), press("j")), enter())
	require.NotContains(t, m.View(), "SORT BY")
	require.Contains(t, m.View(), "sort running▼")
	require.Contains(t, send(m, press("s")).View(), "▌running", "it begins with what is chosen")
	require.NotContains(t, send(m, press("s"), press("R")).View(), "SORT BY", "any other key closes it and means nothing")
	m = run(send(m, press("s"), press("g")), enter())
	require.Contains(t, m.View(), "worst first")
}

// What was searched for is found again, in rows and in what is open.
func TestSearchGoesOn(t *testing.T) {
	t.Parallel()

	require.Contains(t, on("5", "n")().View(), "search with / first")
	m := send(run(on("5", "/", "o", "b")(), enter()), press("esc"))
	require.Equal(t, "globex", send(m, press("n")).view().Cursor())
	m = send(run(on("5", "/", "m")(), enter()), press("esc"))
	require.Equal(t, "umbrella", m.view().Cursor())
	require.Equal(t, "acme", send(m, press("n")).view().Cursor())
	require.Equal(t, "umbrella", send(m, press("n"), press("n")).view().Cursor(), "it comes round")
	require.Equal(t, "acme", send(m, press("N")).view().Cursor())

	story := run(send(withStory(), press("/"), press("t"), press("r"), press("y"), press(" "), press("3")), enter())
	require.Contains(t, story.View(), "▌14:03:42.000  try 3 started")
	require.Contains(t, send(story, press("n")).View(), "▌14:03:42.000", "the only one is found again")
}

// A slow line delivers letters together: what follows the sign of a prompt is
// typed into it.
func TestPromptTakesABurst(t *testing.T) {
	t.Parallel()

	require.Contains(t, on("5", "/glob")().View(), "filter: 1 of 4")
	require.Contains(t, run(on("2", ":limits")(), enter()).View(), "[7Limit]")
	require.Contains(t, on("2", "R/x")().View(), "ignored pasted text")
}

// A narrow terminal has the same columns, some of them to the side.
func TestColumnsAreScrolled(t *testing.T) {
	t.Parallel()

	m := on("2")()
	require.NotContains(t, m.View(), "FAIL/s")
	for range 6 {
		m = send(m, press("l"))
	}
	require.Contains(t, m.View(), "FAIL/s")
	require.Contains(t, m.View(), "▌whatsapp", "the name stays")
	require.NotContains(t, m.View(), "READY ")
	for range 40 {
		m = send(m, press("l"))
	}
	require.Contains(t, m.View(), "READY 10m", "the last column stays in sight")
	for range 60 {
		m = send(m, press("h"))
	}
	require.Contains(t, m.View(), "UNCERT")
}

// The pane is about the job under the cursor, by id, whatever comes late.
func TestPaneFollowsTheCursor(t *testing.T) {
	t.Parallel()

	m := sized(withJobs(), 160, 48)
	source, _ := m.options.Source.(*fakeSource)
	source.job.Item = jobStory() // of 4701
	m, cmd := m.askForDetail()
	require.NotNil(t, cmd)
	next, again := m.askForDetail()
	require.Nil(t, again, "one question at a time")
	next = send(next, press("j"))
	late, more := next.Update(cmd())
	require.NotNil(t, more, "the cursor has moved on: it asks for that one")
	require.NotContains(t, late.View(), "try 1 started", "another job's story is not shown")
	require.Contains(t, late.View(), "job 4711")
	m = send(m, cmd())
	require.Contains(t, m.View(), "try 1 started")
	require.NotContains(t, send(m, press("d")).View(), "try 1 started", "d is for the rows alone")
	require.NotContains(t, sized(send(m, press("d")), 80, 24).View(), "try 1 started")
}

// The mouse moves; it never changes, and it is the terminal's until somebody
// wants it.
func TestMouseOnlyMoves(t *testing.T) {
	t.Parallel()

	click := func(x, y int) tea.Msg {
		return tea.MouseMsg{X: x, Y: y, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress}
	}
	m := on("5")()
	require.Equal(t, m.view().Cursor(), send(m, click(4, 6)).view().Cursor(), "it is off")
	m = send(m, press("m"))
	require.Equal(t, "日本企業", send(m, click(4, 6)).view().Cursor())
	require.Equal(t, "umbrella", send(m, click(4, 5), click(4, 4)).view().Cursor())
	require.Equal(t, "acme", send(m, click(4, 5), click(4, 20)).view().Cursor(), "outside the rows is nothing")
	require.Equal(t, "globex", send(m, tea.MouseMsg{Button: tea.MouseButtonWheelDown}).view().Cursor())
	require.Contains(t, send(m, click(20, 3)).View(), "sort ready▼")
	require.Contains(t, send(m, click(20, 3), click(20, 3)).View(), "sort ready▲")
	require.Contains(t, send(m, click(9, 1)).View(), "[2Queue]")
	require.Contains(t, send(m, click(1, 1)).View(), "[1Over]")
	require.Contains(t, send(m, click(77, 1)).View(), "[5Orgs]", "beside the tabs is nothing")

	wide := sized(m, 160, 48)
	require.Equal(t, "acme", send(wide, click(9, 6)).view().Cursor(), "in the frame beside the pane too")
	require.Equal(t, wide.view().Cursor(), send(wide, click(130, 6)).view().Cursor(), "the pane has no rows")

	asked := run(m, press("R"))
	require.True(t, send(asked, click(4, 6)).question.open())
}

// What a customer was sent is drawn, whole, and says that it was read.
func TestRevealedTextIsDrawn(t *testing.T) {
	t.Parallel()

	m := withStory()
	long := strings.Repeat("Guten Tag, ", 60) + "the end\x1b[2J"
	m.options.Changer = revealing{&fakeChanger{}, admin.Revealed{Text: &long, Template: new("invoice"), Components: []any{map[string]any{"text": "a\x1b]0;x\x07b"}}}}
	m = pass(send(m, press("V")), 1)
	m = run(word(m, "complaint 7"), enter())
	m = sized(run(word(pass(m, 1), "y"), enter()), 100, 48)
	require.Contains(t, m.View(), "WHAT IT SENDS (that you read it is in the audit)")
	require.Contains(t, m.View(), "the end")
	require.Contains(t, m.View(), `"text":"ab"`)
	require.NotContains(t, m.View(), "\x1b")
}

type revealing struct {
	*fakeChanger

	what admin.Revealed
}

func (r revealing) RevealJob(context.Context, string, string) (admin.One[admin.JobDetail], error) {
	d := jobStory()
	d.Revealed = r.what
	return admin.One[admin.JobDetail]{Item: d}, nil
}

// Notes of an incident are what was on the screen, and all of the picture.
func TestViewIsSaved(t *testing.T) {
	t.Chdir(t.TempDir())

	m := on("2")()
	m = run(m, tea.KeyMsg{Type: tea.KeyCtrlS})
	require.Contains(t, m.View(), "saved inboxctl-top-20261123T140323Z.txt and .json")
	text, err := os.ReadFile(filepath.Clean("inboxctl-top-20261123T140323Z.txt"))
	require.NoError(t, err)
	require.Contains(t, string(text), "▌whatsapp")
	raw, err := os.ReadFile("inboxctl-top-20261123T140323Z.json")
	require.NoError(t, err)
	var picture admin.One[admin.Top]
	require.NoError(t, json.Unmarshal(raw, &picture))
	require.Len(t, picture.Item.Queues, 5)
	require.Contains(t, run(m, savedMsg{err: os.ErrPermission}).View(), "not saved: permission denied")
}

// In a recording the same keys move its clock.
func TestPlayerIsWound(t *testing.T) {
	t.Parallel()

	first, last := busy().Item, busy().Item
	last.GeneratedAt = noon().Add(time.Minute)
	wall := noon()
	p := &Player{frames: []admin.Top{first, last}, now: func() time.Time { return wall }, at: noon(), since: wall, speed: 1}
	wall = wall.Add(30 * time.Second)
	p.Seek(-10 * time.Second)
	require.Equal(t, noon().Add(20*time.Second), p.Now())
	p.Seek(-time.Hour)
	require.Equal(t, noon(), p.Now())
	p.Seek(time.Hour)
	require.Equal(t, noon().Add(time.Minute), p.Now())
	p.Seek(-10 * time.Second)
	require.Equal(t, noon().Add(50*time.Second), p.Now(), "from the end, not from beyond it")
}
