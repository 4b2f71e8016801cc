package tui

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// fakeChanger records what it is asked to do.
type fakeChanger struct {
	plans   []admin.PlanRequest
	commits []string
	holds   []admin.HoldAdd
	drains  []string
	alerts  []string

	releases []admin.HoldRelease
	resets   []admin.LimitReset
	matched  int64
	state    string // of operations; empty: done
	others   bool   // somebody else has changed it since
}

func (f *fakeChanger) PlanOperation(_ context.Context, r admin.PlanRequest) (admin.One[admin.Operation], error) {
	f.plans = append(f.plans, r)
	return admin.One[admin.Operation]{Item: admin.Operation{ID: "op1", Kind: r.Kind, Plan: admin.Plan{
		Matched: f.matched, ByOrg: []admin.OrgCount{{Org: "acme", N: f.matched}}, Undo: admin.Undo{Possible: true, Text: "those that have not run yet"},
	}}}, nil
}

func (f *fakeChanger) CommitOperation(ctx context.Context, id string, _ admin.CommitRequest) (admin.One[admin.Operation], error) {
	f.commits = append(f.commits, id)
	return f.Operation(ctx, id)
}

func (f *fakeChanger) Operation(_ context.Context, id string) (admin.One[admin.Operation], error) {
	return admin.One[admin.Operation]{Item: admin.Operation{
		ID: id, State: cmp.Or(f.state, admin.OpDone), Plan: admin.Plan{Undo: admin.Undo{Possible: true}},
		Progress: admin.Progress{Done: 114, Skipped: []admin.Skip{{Reason: "running", N: 4}}},
	}}, nil
}

func (f *fakeChanger) AddHold(_ context.Context, h admin.HoldAdd) (admin.One[admin.HoldResult], error) {
	f.holds = append(f.holds, h)
	if h.DryRun {
		return admin.One[admin.HoldResult]{}, nil
	}
	return admin.One[admin.HoldResult]{Item: admin.HoldResult{Holds: []admin.Hold{{ID: "h1", Owner: "ana", CreatedAt: noon()}}}}, nil
}

func (f *fakeChanger) ReleaseHolds(_ context.Context, r admin.HoldRelease) (admin.One[admin.HoldResult], error) {
	f.releases = append(f.releases, r)
	return admin.One[admin.HoldResult]{}, nil
}

func (f *fakeChanger) SetLimits(_ context.Context, l admin.LimitSet) (admin.One[admin.LimitResult], error) {
	return admin.One[admin.LimitResult]{Item: admin.LimitResult{Org: l.Org, Before: []admin.Limit{usual()}, Limits: []admin.Limit{set90()}}}, nil
}

func (f *fakeChanger) ResetLimits(_ context.Context, r admin.LimitReset) (admin.One[admin.LimitResult], error) {
	now := set90()
	if f.others {
		now.Value, now.Owner, now.SetAt = new(10), new("bo"), new(noon().Add(time.Minute))
	}
	if !r.DryRun {
		f.resets = append(f.resets, r)
	}
	return admin.One[admin.LimitResult]{Item: admin.LimitResult{Org: r.Org, Before: []admin.Limit{now}, Limits: []admin.Limit{usual()}}}, nil
}

func usual() admin.Limit {
	return admin.Limit{Name: "send_text", Value: new(60), WindowMS: new(int64(60_000)), Source: admin.SourceDefault}
}

func set90() admin.Limit {
	return admin.Limit{Name: "send_text", Value: new(90), WindowMS: new(int64(60_000)), Source: admin.SourceTemporary, Owner: new("ana"), SetAt: new(noon())}
}

func (f *fakeChanger) Alerts(context.Context, admin.AlertFilter) (admin.List[admin.Alert], error) {
	a := muted()
	if f.others {
		a.MutedBy = new("bo")
	}
	return admin.List[admin.Alert]{Items: []admin.Alert{a}}, nil
}

func muted() admin.Alert {
	return admin.Alert{ID: "jobs_wait/whatsapp", MutedBy: new("ana"), Muted: new(noon().Add(time.Hour))}
}

func (f *fakeChanger) UnmuteAlert(_ context.Context, id, _ string) (admin.One[admin.Alert], error) {
	f.alerts = append(f.alerts, "unmute "+id)
	return admin.One[admin.Alert]{}, nil
}

func (f *fakeChanger) Drain(_ context.Context, id string, _, dryRun bool, _ string) (Drained, error) {
	if !dryRun {
		f.drains = append(f.drains, id)
	}
	return Drained{Others: 2}, nil
}

func (f *fakeChanger) AckAlert(_ context.Context, id, _ string) (admin.One[admin.Alert], error) {
	f.alerts = append(f.alerts, "ack "+id)
	return admin.One[admin.Alert]{}, nil
}

func (f *fakeChanger) MuteAlert(_ context.Context, id string, lasts time.Duration, _ string) (admin.One[admin.Alert], error) {
	f.alerts = append(f.alerts, "mute "+id+" "+lasts.String())
	return admin.One[admin.Alert]{Item: muted()}, nil
}

func (f *fakeChanger) RevealJob(context.Context, string, string) (admin.One[admin.JobDetail], error) {
	return admin.One[admin.JobDetail]{Item: jobStory()}, nil
}

// changing is a live screen that may change things.
func changing(pressed ...string) (model, *fakeChanger) {
	changer := &fakeChanger{matched: 118}
	m := newTestModel()
	m.options.Changer, m.options.ReadOnly = changer, false
	m = pass(send(m, answered(m, busy())), 1)
	for _, key := range pressed {
		m = send(m, press(key))
	}
	return m, changer
}

// run presses a key and has the answer of the server, if it asks one, come back.
func run(m model, msg tea.Msg) model {
	next, cmd := m.Update(msg)
	m = next.(model)
	if cmd == nil {
		return m
	}
	if answer := cmd(); answer != nil {
		return send(m, answer)
	}
	return m
}

func enter() tea.Msg { return tea.KeyMsg{Type: tea.KeyEnter} }

func word(m model, s string) model {
	for _, r := range s {
		m = send(m, press(string(r)))
	}
	return m
}

// A retry from the key to the toast: counted, agreed to by its number, and said
// with the real counts.
func TestRetryAsksForItsNumber(t *testing.T) {
	t.Parallel()

	m, changer := changing("2")
	m = run(m, press("R"))
	require.Equal(t, []admin.PlanRequest{{Kind: admin.OpRetry, Selector: admin.Selector{Queue: []string{"whatsapp"}}}}, changer.plans)
	require.Contains(t, m.View(), "type 118 and Enter to do it")
	m = word(pass(m, 1), "118")
	require.Empty(t, changer.commits, "nothing happens before Enter")
	m = run(m, enter())
	require.Equal(t, []string{"op1"}, changer.commits)
	require.Contains(t, m.View(), "114 done, 4 left alone (running)")
	require.Contains(t, m.View(), "U undo")

	_ = run(m, press("U"))
	require.Equal(t, admin.PlanRequest{Kind: admin.OpUndo, Undo: "op1"}, changer.plans[1])
}

// Keys that were meant for what was there before the question must not agree.
func TestNothingAgreesByAccident(t *testing.T) {
	t.Parallel()

	m, changer := changing("2")
	changer.matched = 1
	m = run(m, press("R"))
	require.Contains(t, m.View(), "type y and Enter")
	require.Empty(t, send(m, press("y")).question.typed, "the first 300 ms take no answer")

	late := pass(m, 1)
	require.False(t, run(late, enter()).question.open(), "Enter alone closes it")
	require.Empty(t, run(late, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("y"), Paste: true}).question.typed, "a paste is no answer")
	require.Contains(t, run(word(late, "n"), enter()).View(), "that is not y")
	require.Contains(t, run(late, press("esc")).View(), "nothing was changed")
	require.Empty(t, changer.commits)
}

// An answer that was counted for an older question would show its numbers under
// another verb.
func TestLateCountIsDropped(t *testing.T) {
	t.Parallel()

	m, _ := changing("2")
	next, cmd := m.Update(press("R"))
	late := cmd()
	m = send(pass(next.(model), 1), press("esc"))
	require.False(t, send(m, late).question.open(), "it does not open by itself")
	next, _ = m.Update(press("X"))
	m = send(next.(model), late)
	require.Empty(t, m.question.phrase, "the cancel has no numbers yet")
	require.Equal(t, "Cancel", m.question.verb)
}

// Rows move under the question: it is about what the cursor was on.
func TestRowThatMovedIsNotHit(t *testing.T) {
	t.Parallel()

	m, changer := changing("2")
	m = run(m, press("R"))
	moved := busy()
	moved.Item.Queues[0], moved.Item.Queues[1] = moved.Item.Queues[1], moved.Item.Queues[0]
	m = pass(m, 2)
	m = send(m, answered(m, moved))
	require.Contains(t, m.View(), "queue whatsapp")
	run(word(m, "118"), enter())
	require.Equal(t, []string{"whatsapp"}, changer.plans[0].Selector.Queue)
	require.Len(t, changer.plans, 1)
	require.Equal(t, []string{"op1"}, changer.commits)
}

// Marks go with their jobs, and a change takes the marked ones.
func TestMarkedJobsAreTheTarget(t *testing.T) {
	t.Parallel()

	m, changer := changing("3")
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobRows()}}, press(" "), press(" "))
	run(m, press("X"))
	require.Equal(t, []string{"4701", "4711"}, changer.plans[0].Selector.IDs)
}

// A change that cannot be made says why, and asks the server nothing.
func TestRefusalsSayWhy(t *testing.T) {
	t.Parallel()

	m, changer := changing("2")
	readOnly := m
	readOnly.options.ReadOnly = true
	require.Contains(t, run(readOnly, press("R")).View(), "read-only")
	require.Contains(t, run(pass(m, 20), press("R")).View(), "data is 21s old")

	viewer := busy()
	viewer.Item.Role = admin.Viewer
	looking := send(pass(m, 1), answerMsg{number: 1, answer: viewer, at: noon()})
	require.Contains(t, run(looking, press("P")).View(), "needs the role operator, and ana is only viewer")
	require.Contains(t, run(send(m, press("9")), press("R")).View(), "put the cursor on a job, a queue or an org first")
	require.Contains(t, run(m, press("U")).View(), "nothing that can be undone")
	require.Empty(t, changer.plans)

	frozen := run(send(m, press("f")), press("R"))
	require.True(t, frozen.question.open(), "from a frozen screen the server checks again")
}

// What a hold, a drain, an alert come to.
func TestChangesWithAReason(t *testing.T) {
	t.Parallel()

	m, changer := changing("2", "P")
	m = word(pass(m, 1), "x")
	m = run(run(m, enter()), enter())
	require.Contains(t, m.View(), `"1hx" is no duration`)
	require.Equal(t, 0, m.question.at, "and can be mended")
	m = send(m, tea.KeyMsg{Type: tea.KeyBackspace})
	m = run(word(run(m, enter()), "late"), enter())
	m = run(word(pass(m, 1), "y"), enter())
	require.Len(t, changer.holds, 2)
	require.Equal(t, admin.HoldAdd{Queue: "whatsapp", LastsMS: 3_600_000, Reason: "late"}, changer.holds[1])
	require.Contains(t, m.View(), "paused queue whatsapp")

	m, changer = changing("8", "D")
	m = run(pass(m, 1), enter())
	require.Contains(t, m.View(), "2 other processes take work")
	m = run(word(pass(m, 1), "y"), enter())
	require.False(t, m.question.open())
	require.Equal(t, []string{"17"}, changer.drains)
	require.Contains(t, m.View(), "drain process 17")

	m, changer = changing("9", "M")
	m = run(run(pass(m, 1), enter()), enter())
	run(word(pass(m, 1), "y"), enter())
	m, more := changing("9", "A")
	m = run(pass(m, 1), enter())
	run(word(pass(m, 1), "y"), enter())
	require.Equal(t, []string{"mute jobs_wait/whatsapp 1h0m0s", "ack jobs_wait/whatsapp"}, append(changer.alerts, more.alerts...))
}

// What a customer wrote is shown once somebody has said why.
func TestRevealNeedsAReason(t *testing.T) {
	t.Parallel()

	m, _ := changing("3")
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobRows()}})
	m = run(m, enter())
	m = pass(send(m, press("V")), 1)
	m = run(m, enter())
	require.Contains(t, m.View(), "write a reason")
	m = run(word(m, "complaint 7"), enter())
	m = run(word(pass(m, 1), "y"), enter())
	require.Contains(t, m.View(), "recorded in the audit")
	require.True(t, m.story.open())
}

// A revealed text that comes late must not be drawn under the name of another job.
func TestRevealedTextStaysWithItsJob(t *testing.T) {
	t.Parallel()

	m, changer := changing("3")
	m.options.Source.(*fakeSource).job.Item = admin.JobDetail{Job: jobRows()[1]}
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobRows()}})
	m = pass(send(run(m, enter()), press("V")), 1)
	m = run(word(m, "complaint 7"), enter())
	next, reveal := word(pass(m, 1), "y").Update(enter())
	m = send(next.(model), press("esc"), press("esc"), press("j"))
	m = send(run(m, enter()), reveal())
	require.Equal(t, "4711", m.story.id)
	require.NotContains(t, m.View(), "4701")
	run(m, press("R"))
	require.Equal(t, []string{"4711"}, changer.plans[0].Selector.IDs)
}

// A failure is said and closes the question: nobody waits for what will not come.
func TestFailedChangeIsSaid(t *testing.T) {
	t.Parallel()

	m, _ := changing("2", "R")
	m = send(m, countedMsg{number: m.question.number, err: errors.New("the ledger is read-only")})
	require.False(t, m.question.open())
	require.Contains(t, m.View(), "Retry: the ledger is read-only")
}
