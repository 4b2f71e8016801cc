package tui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// Enter on a process shows what it runs, longest first, and those jobs are as any
// others: they can be opened, asked why, cancelled.
func TestEnterOnAProcessShowsWhatItRuns(t *testing.T) {
	t.Parallel()

	m, changer := changing("8")
	next, cmd := m.Update(enter())
	require.NotNil(t, cmd)
	m = next.(model)
	require.Contains(t, m.View(), "Asking the server.", "before the answer it is not known that there are none")
	require.Equal(t, admin.Selector{State: []string{"running"}}, m.jobsScreen().Selector)
	rows := jobRows()
	other := rows[2]
	other.ID, other.ProcessID = "9999", new("18")
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: append(rows, other)}})
	require.Contains(t, m.View(), "state=running  of process 17")
	require.Contains(t, m.View(), "4.20s", "for how long it has run")
	shown, _ := m.view().Rows()
	require.Equal(t, 1, shown, "what others run is not shown")
	run(m, press("X"))
	require.Equal(t, []string{"4721"}, changer.plans[0].Selector.IDs)
	require.Equal(t, "17", send(m, press("esc")).view().Cursor(), "and back")

	require.Contains(t, run(on("8", "j", "j")(), enter()).View(), "is an api: it runs no jobs")
	require.Contains(t, send(m, jobsMsg{number: m.jobs.number}).View(), "Process 17 runs nothing now.")
}

// A wide screen shows it without a key.
func TestPaneShowsWhatAProcessRuns(t *testing.T) {
	t.Parallel()

	m := sized(on("8")(), 160, 48)
	source, _ := m.options.Source.(*fakeSource)
	source.jobs.Items = jobRows()
	m, cmd := m.askForRunning()
	require.NotNil(t, cmd)
	_, again := m.askForRunning()
	require.Nil(t, again, "one question at a time")
	m = send(m, cmd())
	require.Regexp(t, "4721 +globex +send_message +4.20s", m.View())
	require.NotContains(t, send(m, press("j")).View(), "4721", "the next one runs nothing")
	_, cmd = sized(pass(m, 5), 80, 24).askForRunning()
	require.Nil(t, cmd, "there is no room for it")
}

// Who waits comes before what was missed: that can still be answered.
func TestEnterOnAnAgentShowsTheMisses(t *testing.T) {
	t.Parallel()

	frame := run(on("6")(), enter()).View()
	for _, want := range []string{"2 CUSTOMERS WAIT FOR AN ANSWER", "1m12s late!", "in 41s", "5 MISSED IN THE LAST HOUR  due to limit 3, human 1, hold 1", "limit 7m02s, human 1m10s", "inboxctl limits show --org acme"} {
		require.Contains(t, frame, want)
	}
	require.NotContains(t, frame, "88914", "that customer waits for somebody else")
}

// What another value would do is arithmetic, and says what it leaves out.
func TestEnterOnALimitShowsWhatWouldBe(t *testing.T) {
	t.Parallel()

	frame := run(on("7")(), enter()).View()
	for _, want := range []string{"60/min", "1h25m", "120/min", "42m40s", "What comes meanwhile is not counted", "131056 errors"} {
		require.Contains(t, frame, want)
	}
	require.NotContains(t, frame, "send_template", "changes of other limits are not its history")
	require.NotContains(t, run(on("7", "j")(), enter()).View(), "IF IT WERE", "nothing waits for it")
}

// A percentile does not say whether all are a little slow or a few very: the
// spread does, and whose they are.
func TestEnterOnALatencyShowsTheSpread(t *testing.T) {
	t.Parallel()

	frame := sized(run(on("4")(), enter()), 80, 30).View()
	for _, want := range []string{"HOW IT IS SPREAD", "30.0%", "BY ORG, slowest end to end first", "日本企業"} {
		require.Contains(t, frame, want)
	}
	byOrg := run(on("4", "o")(), enter())
	require.Contains(t, byOrg.View(), "BY JOB TYPE")
	require.Contains(t, run(on("4")(), press("b")).View(), "type=", "b is for its jobs")
}

// On the overview Enter goes to the row one looked at, not to the top of its view.
func TestEnterOnThePanelKeepsTheRow(t *testing.T) {
	t.Parallel()

	m := run(on("j", "j")(), enter())
	require.Equal(t, 1, m.at)
	require.Equal(t, "automations", m.view().Cursor())
}

// A source that knows no more, as a recording, still shows the jobs.
func TestEnterWithoutExplainer(t *testing.T) {
	t.Parallel()

	m := on("4")()
	m.options.Source = &Player{}
	require.Equal(t, jobsView, send(m, enter()).at)
}
