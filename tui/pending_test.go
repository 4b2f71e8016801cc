package tui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// What becomes of a row is never guessed: it carries a sign until a state comes
// that was asked for after the change.
func TestRowsWaitForTheirNewState(t *testing.T) {
	t.Parallel()

	m, _ := changing("2", "R")
	m = agree(m)
	require.Contains(t, hidden(m).View(), "…whatsapp")
	m = pass(m, 2)
	m = send(m, answered(m, busy()))
	require.Contains(t, hidden(m).View(), "…whatsapp", "the server is still at it")
	m = pass(m, 1)
	before := m.connection.number
	m = send(m, committedMsg{number: m.question.number, text: "done"})
	require.Equal(t, before, m.connection.number, "a question is open already: its answer may be of before")
	m = send(m, answered(m, busy()))
	require.Contains(t, m.View(), "…whatsapp")
	m = pass(m, 1)
	m = send(m, answered(m, busy()))
	require.NotContains(t, m.View(), "…whatsapp")
	require.Contains(t, m.View(), "▌whatsapp")
}

// hidden is the screen under the question.
func hidden(m model) model {
	m.question = question{}
	return m
}

func TestMarkedJobsWaitForTheirNewState(t *testing.T) {
	t.Parallel()

	m, _ := changing("3")
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobRows()}}, press(" "), press(" "), press("X"))
	m = agree(m)
	require.Equal(t, 2, strings.Count(hidden(m).View(), "\n…47"))
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobRows()}})
	before := m.jobs.number
	m = send(m, committedMsg{number: m.question.number})
	require.Equal(t, before+1, m.jobs.number, "the jobs are asked for at once")
	require.Equal(t, 2, strings.Count(m.View(), "\n…47"))
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobRows()}})
	require.NotContains(t, m.View(), "\n…47")
}

// That a change was not made stays until it has been seen.
func TestFailureStaysUntilAKey(t *testing.T) {
	t.Parallel()

	m := send(on("2", "R")(), countedMsg{number: 1, err: refused()})
	m = pass(m, 30)
	require.Contains(t, m.View(), "Retry: nothing listens")
	require.NotContains(t, send(m, press("j")).View(), "Retry: nothing listens")
}

// Another hand was quicker: the plan is not what it was, and nothing is done.
func TestConflictIsSaid(t *testing.T) {
	t.Parallel()

	m, changer := changing("2", "R")
	m = agree(m)
	m = send(m, committedMsg{number: m.question.number, err: &admin.Error{Kind: admin.Conflict, Text: "the plan has expired: plan again"}})
	require.False(t, m.question.open())
	require.Contains(t, pass(m, 20).View(), "the plan has expired")
	require.False(t, m.undo.possible())
	require.Empty(t, changer.commits)
}

// Every change that can be taken back is, with a question of its own.
func TestUndo(t *testing.T) {
	t.Parallel()

	m, changer := changing("2", "P")
	m = run(run(pass(m, 1), enter()), enter())
	m = run(word(pass(m, 1), "y"), enter())
	require.Contains(t, m.View(), "U undoes it")
	m = run(m, press("U"))
	require.Equal(t, "Resume", m.question.verb)
	run(word(pass(m, 1), "y"), enter())
	require.Equal(t, []admin.HoldRelease{{Queue: "whatsapp", Hold: "h1"}}, changer.releases, "the hold that it made, and no other")

	m, _ = changing("2", "j", "j", "j") // meta_spend is paused
	m = run(word(pass(run(m, press("P")), 1), "y"), enter())
	m = send(m, press("U"))
	require.Equal(t, "Pause", m.question.verb)
	require.Equal(t, "Meta's report is late", m.question.value("reason"))
	require.Equal(t, "59m58s", m.question.value("for"))

	m, changer = changing("7", "L")
	m = run(run(word(pass(m, 1), "90/min"), enter()), enter())
	m = run(m, enter())
	m = run(word(pass(m, 1), "y"), enter())
	m = run(m, press("U"))
	require.Contains(t, m.View(), "now 90/min by ana")
	require.Contains(t, m.View(), "send_text becomes 60/min again")
	changer.others = true
	late := run(word(pass(m, 1), "y"), enter())
	require.Contains(t, late.View(), "it is now 10/min by bo", "what a colleague sets while the question is open stays")
	require.Empty(t, changer.resets)
	changer.others = false
	m = run(word(pass(m, 1), "y"), enter())
	require.Equal(t, []admin.LimitReset{{Org: "acme", Names: []string{"send_text"}, Temporary: true}}, changer.resets)
	require.False(t, m.undo.possible(), "an undo is not undone by the same key")

	m, changer = changing("9", "M")
	m = run(run(pass(m, 1), enter()), enter())
	m = run(word(pass(m, 1), "y"), enter())
	m = run(m, press("U"))
	run(word(pass(m, 1), "y"), enter())
	require.Equal(t, []string{"mute jobs_wait/whatsapp 1h0m0s", "unmute jobs_wait/whatsapp"}, changer.alerts)
}

// A colleague has changed it since: theirs is not taken away without a word.
func TestUndoLeavesWhatOthersHaveSet(t *testing.T) {
	t.Parallel()

	m, changer := changing("7", "L")
	m = run(run(word(pass(m, 1), "90/min"), enter()), enter())
	m = run(m, enter())
	m = run(word(pass(m, 1), "y"), enter())
	changer.others = true
	m = run(m, press("U"))
	require.False(t, m.question.open())
	require.Contains(t, m.View(), "it is now 10/min by bo, not what this session has set")
	require.Empty(t, changer.resets)

	m, changer = changing("9", "M")
	m = run(run(pass(m, 1), enter()), enter())
	m = run(word(pass(m, 1), "y"), enter())
	changer.others = true
	m = run(m, press("U"))
	require.False(t, m.question.open())
	require.Contains(t, m.View(), "it is now muted by bo")
}

// A pause that would be over by now must not come back as one without end.
func TestUndoOfAResumeThatIsTooLate(t *testing.T) {
	t.Parallel()

	m, changer := changing("2", "j", "j", "j") // meta_spend is paused for an hour
	m = run(word(pass(run(m, press("P")), 1), "y"), enter())
	m.now = m.now.Add(2 * time.Hour)
	m.shown.at, m.latest.at = m.now, m.now
	m = send(m, press("U"))
	require.False(t, m.question.open())
	require.Contains(t, m.View(), "that pause would be over by now: nothing to take back")
	require.Empty(t, changer.holds)
}

// In a protected context every change has a reason, and is agreed to by the name.
func TestProtectedContext(t *testing.T) {
	t.Parallel()

	m, changer := changing("2")
	m.options.Protected = "prod"
	m = send(m, press("R"))
	m = run(pass(m, 1), enter())
	require.Contains(t, m.View(), "write a reason: the context prod is protected")
	require.Empty(t, changer.plans)
	m = run(word(m, "INC-7"), enter())
	require.Equal(t, "INC-7", changer.plans[0].Reason)
	require.Contains(t, m.View(), "type prod and Enter")
	m = run(word(pass(m, 1), "118"), enter())
	require.Empty(t, changer.commits)
	run(word(m, "prod"), enter())
	require.Equal(t, []string{"op1"}, changer.commits)
}

// A slow server is asked less often, says so, and more often again when it is
// quick.
func TestSlowServerIsAskedLess(t *testing.T) {
	t.Parallel()

	answer := func(m model, took time.Duration) model {
		m = pass(m, 40)
		return send(m, answerMsg{number: m.connection.number, answer: busy(), at: m.now, took: took})
	}
	m := on()()
	m = answer(m, 700*time.Millisecond)
	require.Equal(t, time.Second, m.period(), "one may be chance")
	m = answer(m, 700*time.Millisecond)
	require.Equal(t, 2*time.Second, m.period())
	require.Contains(t, m.View(), "an answer takes 700ms: asking every 2s now")
	m = answer(answer(m, 1500*time.Millisecond), 1500*time.Millisecond)
	require.Equal(t, 4*time.Second, m.period())
	lag := pass(m, 4)
	require.Equal(t, lagging, lag.freshness(), "an answer of 4 s ago is not live because the next is not due")
	quick := answer(m, 10*time.Millisecond)
	require.LessOrEqual(t, quick.connection.due.Sub(quick.now), time.Second, "whether it is quick again is soon known")
	for range quickInARow {
		m = answer(m, 10*time.Millisecond)
	}
	require.Equal(t, time.Second, m.period(), "and then all of it at once")
	for range 40 {
		m = answer(m, time.Hour)
	}
	require.Equal(t, mostPace*time.Second, m.period())
	require.Equal(t, lagging, pass(m, 30).freshness())
	require.Equal(t, stale, pass(m, 33).freshness())
}

// Nobody looks: it asks a fifth as often; somebody does again: at once.
func TestFocus(t *testing.T) {
	t.Parallel()

	m := send(on()(), tea.BlurMsg{})
	require.Equal(t, 5*time.Second, m.period())
	for range 2 { // the second is asked for after somebody has turned away
		m = pass(m, 1)
		m = send(m, answered(m, busy()))
	}
	before := m.connection.number
	m = pass(m, 3)
	require.Equal(t, before, m.connection.number)
	m = send(m, tea.FocusMsg{})
	require.Equal(t, before+1, m.connection.number)
	require.Equal(t, time.Second, m.period())
}

// What was filtered is so when one comes back.
func TestFilterIsKeptOnTheWayBack(t *testing.T) {
	t.Parallel()

	m := run(on("5", "/", "a", "c", "m")(), enter())
	m = run(m, enter())
	require.Equal(t, jobsView, m.at)
	m = send(m, press("-"))
	require.Contains(t, m.View(), "filter: 1 of 4")
}
