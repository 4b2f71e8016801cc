package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// accountBook is an ad account and its provider.
type accountBook struct {
	account  inbox.SpendAccount
	readErr  error
	applyErr error
	applied  []inbox.DayRange
	paused   []string

	zone     job.Result
	mostDays int        // a longer range is too much
	failing  job.Result // of every read, if its class is set
	started  []inbox.DayRange
	state    inbox.ReportState
	stateIs  job.Result
	rowsIs   job.Result
}

func (b *accountBook) SpendAccount(context.Context, int64, int64) (inbox.SpendAccount, error) {
	return b.account, b.readErr
}

func (b *accountBook) NoteZone(_ context.Context, _, _ int64, zone string) error {
	b.account.Zone = zone
	return nil
}

func (b *accountBook) NoteRun(_ context.Context, _, _ int64, run inbox.ReportRun) error {
	b.account.Run = run
	return nil
}

func (b *accountBook) ApplySpend(_ context.Context, _, _ int64, r inbox.SpendReport) (inbox.SpendApplied, error) {
	if b.applyErr == nil {
		b.applied = append(b.applied, r.Range)
	}
	return inbox.SpendApplied{}, b.applyErr
}

func (b *accountBook) PauseChannel(_ context.Context, _, _, _ int64, reason string) (bool, error) {
	b.paused = append(b.paused, reason)
	return true, nil
}

func (b *accountBook) AdAccountZone(context.Context, inbox.SpendAccount) (string, job.Result) {
	return "America/New_York", b.zone
}

func (b *accountBook) Insights(_ context.Context, _ inbox.SpendAccount, days inbox.DayRange) (inbox.SpendReport, job.Result) {
	switch {
	case b.failing.Class != "":
		return inbox.SpendReport{}, b.failing
	case b.mostDays > 0 && days.Days() > b.mostDays || b.mostDays < 0:
		return inbox.SpendReport{}, job.Result{Verdict: job.Retry, Class: job.ClassTooMuchData}
	}
	return inbox.SpendReport{Range: days}, job.Result{}
}

func (b *accountBook) StartReport(_ context.Context, _ inbox.SpendAccount, days inbox.DayRange) (string, job.Result) {
	b.started = append(b.started, days)
	return "640", job.Result{}
}

func (b *accountBook) ReportState(context.Context, inbox.SpendAccount) (inbox.ReportState, job.Result) {
	return b.state, b.stateIs
}

func (b *accountBook) ReportRows(_ context.Context, a inbox.SpendAccount) (inbox.SpendReport, job.Result) {
	return inbox.SpendReport{Range: a.Run.Range}, b.rowsIs
}

// night is 2 o'clock in London, still the day before in New York.
func night() time.Time { return time.Date(2026, 10, 5, 2, 0, 0, 0, time.UTC) }

func newBook() *accountBook {
	return &accountBook{account: inbox.SpendAccount{
		Channel: inbox.Channel{ID: 5, OrgID: 1, Kind: inbox.AdAccount, State: inbox.ChannelActive}, OrgZone: "Europe/Madrid",
	}}
}

func (b *accountBook) sync(throttled int) job.Result {
	s := &worker.Spend{Book: b, Insights: b, Pauser: b, Now: night, Logger: slog.New(slog.DiscardHandler)}
	return s.Process(context.Background(), job.Claimed{ID: 1, OrgID: 1, SubjectID: 5, Attempt: 1, Throttled: throttled})
}

// The window is the last 28 days of the account's own calendar.
func TestSpendWindow(t *testing.T) {
	t.Parallel()
	b := newBook()
	require.Equal(t, job.Result{}, b.sync(0))
	require.Len(t, b.applied, 1)
	require.Equal(t, 28, b.applied[0].Days())
	require.Equal(t, "2026-10-04", b.applied[0].Until.Format(inbox.DayLayout))

	b = newBook()
	b.zone = job.Result{Verdict: job.Fail, Class: job.ClassPermission}
	require.Equal(t, job.Succeed, b.sync(0).Verdict, "the zone is not worth failing for")
	require.Equal(t, "2026-10-05", b.applied[0].Until.Format(inbox.DayLayout), "the org's zone counts then")
}

// Too much at once is asked for in halves; what stays too much becomes a
// report, and the slot is given back while the provider works on it.
func TestTooMuchDataIsHalved(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.mostDays = 7
	require.Equal(t, job.Succeed, b.sync(0).Verdict)
	days := 0
	for _, r := range b.applied {
		require.LessOrEqual(t, r.Days(), 7)
		days += r.Days()
	}
	require.Equal(t, 28, days)

	b = newBook()
	b.mostDays = -1
	r := b.sync(0)
	require.Equal(t, job.Throttle, r.Verdict)
	require.Equal(t, job.ScopeNone, r.Scope, "nobody else has to wait")
	require.Equal(t, 28, b.started[0].Days())
	require.Equal(t, "640", b.account.Run.ID)

	b.state = inbox.ReportState{Percent: 43}
	require.Equal(t, job.Throttle, b.sync(1).Verdict)
	require.Contains(t, b.sync(1).Detail, "43 %")
	require.Len(t, b.started, 1, "the same report, not another")
	b.state = inbox.ReportState{Done: true, Percent: 100}
	require.Equal(t, job.Succeed, b.sync(2).Verdict)
	require.Equal(t, b.started, b.applied)
	require.Zero(t, b.account.Run)
}

// A report that comes to nothing costs an attempt and is begun anew.
func TestReportFails(t *testing.T) {
	t.Parallel()
	running := inbox.ReportRun{ID: "640", StartedAt: night().Add(-time.Hour)}
	for name, change := range map[string]func(*accountBook){
		"Failed":  func(b *accountBook) { b.stateIs = job.Result{Verdict: job.Fail, Class: job.ClassReportFailed} },
		"Gone":    func(b *accountBook) { b.stateIs = job.Result{Verdict: job.Fail, Class: job.ClassChannelDead} },
		"Endless": func(b *accountBook) { b.account.Run.StartedAt = night().Add(-4 * time.Hour) },
		"TooMuch": func(b *accountBook) {
			b.state, b.rowsIs = inbox.ReportState{Done: true, Percent: 100}, job.Result{Verdict: job.Retry, Class: job.ClassTooMuchData}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			b.account.Run = running
			change(b)
			r := b.sync(0)
			require.Equal(t, job.Retry, r.Verdict)
			require.GreaterOrEqual(t, r.RetryAfter, time.Minute)
			require.Zero(t, b.account.Run)
			require.Empty(t, b.applied)
		})
	}
	b := newBook()
	b.account.Run, b.stateIs = running, job.Result{Verdict: job.Retry, Class: job.ClassTransient}
	require.Equal(t, job.Retry, b.sync(0).Verdict)
	require.Equal(t, running, b.account.Run, "a bad answer says nothing about the report")
}

func TestSpendWaits(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.account.QuietUntil = night().Add(5 * time.Minute)
	r := b.sync(0)
	require.Equal(t, [3]any{job.Throttle, job.ClassThrottleAccount, 5 * time.Minute}, [3]any{r.Verdict, r.Class, r.RetryAfter})

	b = newBook()
	b.failing = job.Result{Verdict: job.Throttle, Class: job.ClassThrottleAccount, Scope: job.ScopeAccount, RetryAfter: 12 * time.Minute}
	require.Equal(t, 12*time.Minute, b.sync(0).RetryAfter, "the provider's wish")
	require.Equal(t, 16*time.Minute, b.sync(4).RetryAfter, "one minute, doubled four times")
	require.Equal(t, time.Hour, b.sync(60).RetryAfter)

	b = newBook()
	b.account.Channel.State, b.account.Channel.StateReason = inbox.ChannelPaused, "the access token does not work"
	r = b.sync(0)
	require.Equal(t, job.Throttle, r.Verdict)
	require.Contains(t, r.Detail, "access token")

	b = newBook()
	b.failing = job.Result{Verdict: job.Fail, Class: job.ClassAuth, Code: 190, Detail: "Session has expired"}
	r = b.sync(0)
	require.Equal(t, [2]any{job.Throttle, job.ClassAuth}, [2]any{r.Verdict, r.Class}, "no attempt is used up")
	require.Equal(t, []string{"the access token does not work: Session has expired"}, b.paused)

	b = newBook()
	b.readErr = inbox.Faultf(inbox.NotFound, "channel_not_found", "gone")
	require.Equal(t, [2]any{job.Fail, job.ClassGone}, [2]any{b.sync(0).Verdict, b.sync(0).Class})
	b.readErr = errors.New("connection refused")
	require.Equal(t, job.Throttle, b.sync(0).Verdict)
	b = newBook()
	b.applyErr = errors.New("connection refused")
	require.Equal(t, job.Throttle, b.sync(0).Verdict, "our own trouble costs no attempt")
}
