package tui

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// A process's jobs are looked for in the newest that run: where there are older
// ones, "nothing" would be a guess.
func TestJobsOfAProcessSaysWhereItLooked(t *testing.T) {
	t.Parallel()

	m, _ := changing("8")
	m = run(m, enter())
	list := admin.List[admin.Job]{Items: jobRows()[:1]}
	require.Contains(t, send(m, jobsMsg{number: m.jobs.number, answer: list}).View(), "Process 17 runs nothing now.")
	list.Next = new("older")
	require.Contains(t, send(m, jobsMsg{number: m.jobs.number, answer: list}).View(), "Process 17 runs none of the 1 newest that run.")
	list.Items = jobRows()
	require.Contains(t, send(m, jobsMsg{number: m.jobs.number, answer: list}).View(), "1 of the 7 newest that run")

	wide := sized(send(m, press("8")), 160, 48)
	require.NotContains(t, send(wide, runningMsg{answer: admin.List[admin.Job]{Items: jobRows()}}).View(), "newest")
	require.Contains(t, send(wide, runningMsg{answer: list}).View(), "only those of the 7 newest that run are looked at")
}

// Somebody who went down the list and came back sees it live again; who is still
// below is told how old it is, and can have it anew.
func TestJobsGoOnAfterThePagesBelow(t *testing.T) {
	t.Parallel()

	page := func(from int) admin.List[admin.Job] {
		list := admin.List[admin.Job]{Next: new("more")}
		for i := range jobsPage {
			list.Items = append(list.Items, admin.Job{ID: strconv.Itoa(from + i), Org: "acme", State: "dead"})
		}
		return list
	}
	m, _ := changing("3")
	m = send(m, jobsMsg{number: m.jobs.number, answer: page(1000)}, press("G"))
	m = send(m, jobsMsg{number: m.jobs.number, more: true, answer: page(2000)}, press("j"))
	before := m.jobs.number
	m = pass(m, 5)
	m = send(m, answered(m, busy()))
	require.Equal(t, before, m.jobs.number, "below the first page the list stays")
	require.Contains(t, m.View(), "list of 14:03:23Z, r renews")
	require.Equal(t, before+1, send(m, press("r")).jobs.number)

	top := send(m, press("g"))
	require.NotContains(t, top.View(), "renews")
	require.Equal(t, before+1, pass(top, 2).jobs.number, "back on top it is live")

	marked := send(m, press(" "), press("g"))
	require.Equal(t, before, pass(marked, 2).jobs.number, "a mark below would be lost")
	marked = send(marked, committedMsg{number: marked.question.number})
	require.Equal(t, before+1, marked.jobs.number, "after a change it is asked for in any case")
}

// The rows have what the part below them leaves: in an incident a hundred jobs
// behind seven rows and blank lines are a hundred keys.
func TestRowsHaveTheRoomThatTheDetailLeaves(t *testing.T) {
	t.Parallel()

	list := admin.List[admin.Job]{}
	for i := range 100 {
		list.Items = append(list.Items, admin.Job{ID: strconv.Itoa(5000 + i), Org: "acme", State: "dead"})
	}
	m := on("3")()
	m = send(m, jobsMsg{number: m.jobs.number, answer: list})
	frame := m.View()
	require.GreaterOrEqual(t, strings.Count(frame, "\n 50")+strings.Count(frame, "\n▌50"), 12)
	require.Contains(t, frame, "Enter: its whole story")
}
