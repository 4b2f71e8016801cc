package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// SpendBook keeps ad spend and what syncing it has to remember.
type SpendBook interface {
	SpendAccount(ctx context.Context, orgID, channelID int64) (inbox.SpendAccount, error)
	NoteZone(ctx context.Context, orgID, channelID int64, zone string) error
	NoteRun(ctx context.Context, orgID, channelID int64, run inbox.ReportRun) error
	ApplySpend(ctx context.Context, orgID, channelID int64, r inbox.SpendReport) (inbox.SpendApplied, error)
}

// Insights reads ad spend from the provider. All methods only read: they may be
// repeated.
type Insights interface {
	AdAccountZone(ctx context.Context, a inbox.SpendAccount) (string, job.Result)
	Insights(ctx context.Context, a inbox.SpendAccount, days inbox.DayRange) (inbox.SpendReport, job.Result)
	StartReport(ctx context.Context, a inbox.SpendAccount, days inbox.DayRange) (string, job.Result)
	ReportState(ctx context.Context, a inbox.SpendAccount) (inbox.ReportState, job.Result)
	ReportRows(ctx context.Context, a inbox.SpendAccount) (inbox.SpendReport, job.Result)
}

// Pauser pauses a channel whose token the provider refuses.
type Pauser interface {
	PauseChannel(ctx context.Context, orgID, channelID, tokenVersion int64, reason string) (bool, error)
}

const (
	// spendDays is the window that is read anew each time: the provider
	// restates recent days.
	spendDays = 28
	// zoneLife is how long an account's time zone is believed.
	zoneLife = 24 * time.Hour
	// runPause is between two looks at a report, longestRun when it is given
	// up: up to an hour is normal.
	runPause   = 20 * time.Second
	longestRun = 3 * time.Hour
	// readBudget is the part of the job's time that reading at once may take:
	// what does not fit becomes a report.
	readBudget = 80 * time.Second
	// firstThrottle doubles with each throttle in a row, up to an hour.
	firstThrottle   = time.Minute
	longestThrottle = time.Hour
)

// Spend is the processor of sync_spend: it brings the last 28 days of an ad
// account up to date. It may run again at any point: each range is applied
// whole, and applying it twice changes nothing.
type Spend struct {
	Book     SpendBook
	Insights Insights
	Pauser   Pauser
	Now      func() time.Time
	Logger   *slog.Logger
	Applied  func(inbox.SpendApplied) // told of each range that was applied; nil: nobody cares
}

// Process syncs one account.
func (s *Spend) Process(ctx context.Context, c job.Claimed) job.Result {
	a, err := s.Book.SpendAccount(ctx, c.OrgID, c.SubjectID)
	switch {
	case inbox.KindOf(err) == inbox.NotFound:
		return job.Result{Verdict: job.Fail, Class: job.ClassGone, Detail: "the ad account no longer exists"}
	case err != nil:
		return ownTrouble("read the ad account", err)
	}
	if r, refused := s.refuse(a); refused {
		return r
	}
	result := s.sync(ctx, a)
	if result.Verdict == job.Throttle && result.Scope != job.ScopeNone {
		result.RetryAfter = max(result.RetryAfter, min(firstThrottle<<min(c.Throttled, 6), longestThrottle))
	}
	return pauseRefused(ctx, s.Pauser, s.Logger, a.Channel, a.TokenVersion, result)
}

func (s *Spend) refuse(a inbox.SpendAccount) (job.Result, bool) {
	switch {
	case a.Channel.State == inbox.ChannelPaused:
		return waitForChannel(a.Channel), true
	case a.Channel.State != inbox.ChannelActive:
		return job.Result{Verdict: job.Fail, Class: job.ClassChannelDead, Detail: "the channel is " + string(a.Channel.State)}, true
	}
	if quiet := a.QuietUntil.Sub(s.Now()); quiet > 0 {
		return job.Result{
			Verdict: job.Throttle, Class: job.ClassThrottleAccount, RetryAfter: quiet,
			Detail: "the account has nearly used up the provider's quota",
		}, true
	}
	return job.Result{}, false
}

// sync reads the window, or goes on with the report that was begun for it.
func (s *Spend) sync(ctx context.Context, a inbox.SpendAccount) job.Result {
	if a.Run.ID != "" {
		return s.follow(ctx, a)
	}
	if s.Now().Sub(a.LookedAt) > zoneLife {
		zone, result := s.Insights.AdAccountZone(ctx, a)
		switch {
		case result.Verdict == job.Succeed:
			a.Zone = zone
			if err := s.Book.NoteZone(ctx, a.Channel.OrgID, a.Channel.ID, zone); err != nil {
				return ownTrouble("note the time zone", err)
			}
		case result.Class != job.ClassPermission && result.Class != job.ClassRequestInvalid:
			return result
		}
	}
	window := inbox.LastDays(inbox.DayOf(s.Now(), a.Location()), spendDays)
	reading, cancel := context.WithTimeout(ctx, readBudget)
	defer cancel()
	result := s.read(reading, a, window)
	if late := errors.Is(reading.Err(), context.DeadlineExceeded); (late || result.Class == job.ClassTooMuchData) && ctx.Err() == nil {
		return s.begin(ctx, a, window)
	}
	return result
}

// read syncs a range, in halves if it is too much at once. A single day that is
// too much is left to a report.
func (s *Spend) read(ctx context.Context, a inbox.SpendAccount, days inbox.DayRange) job.Result {
	report, result := s.Insights.Insights(ctx, a, days)
	switch {
	case result.Verdict == job.Succeed:
		return s.apply(ctx, a, report)
	case result.Class != job.ClassTooMuchData || days.Days() == 1:
		return result
	}
	for _, half := range days.Halves() {
		if result = s.read(ctx, a, half); result.Verdict != job.Succeed {
			break
		}
	}
	return result
}

// begin asks for the whole window as a report. The job gives its slot back and
// looks again later.
func (s *Spend) begin(ctx context.Context, a inbox.SpendAccount, window inbox.DayRange) job.Result {
	id, result := s.Insights.StartReport(ctx, a, window)
	if result.Verdict != job.Succeed {
		return result
	}
	run := inbox.ReportRun{ID: id, Range: window, StartedAt: s.Now()}
	if err := s.Book.NoteRun(ctx, a.Channel.OrgID, a.Channel.ID, run); err != nil {
		return ownTrouble("note the report", err)
	}
	return awaitRun(0)
}

func awaitRun(percent int) job.Result {
	return job.Result{
		Verdict: job.Throttle, Class: job.ClassTooMuchData, RetryAfter: runPause,
		Detail: fmt.Sprintf("the provider is at %d %% of the report", percent),
	}
}

// follow looks at a report that was begun, and reads it when it is done.
func (s *Spend) follow(ctx context.Context, a inbox.SpendAccount) job.Result {
	state, result := s.Insights.ReportState(ctx, a)
	switch {
	case ends(result):
		return s.forget(ctx, a, result)
	case result.Verdict != job.Succeed:
		return result
	case !state.Done && s.Now().Sub(a.Run.StartedAt) > longestRun:
		return s.forget(ctx, a, job.Result{Class: job.ClassReportFailed, Detail: "the report is not done after hours"})
	case !state.Done:
		return awaitRun(state.Percent)
	}
	report, result := s.Insights.ReportRows(ctx, a)
	switch {
	case ends(result) || result.Class == job.ClassTooMuchData:
		return s.forget(ctx, a, result)
	case result.Verdict != job.Succeed:
		return result
	}
	if result = s.apply(ctx, a, report); result.Verdict != job.Succeed {
		return result
	}
	return s.forget(ctx, a, result)
}

// ends reports whether a run has come to nothing: it failed, or is gone.
func ends(r job.Result) bool {
	switch r.Class {
	case job.ClassReportFailed, job.ClassRequestInvalid, job.ClassChannelDead:
		return true
	default:
		return false
	}
}

// forget drops the run. Without its rows the job tries again from the start,
// which costs an attempt.
func (s *Spend) forget(ctx context.Context, a inbox.SpendAccount, result job.Result) job.Result {
	if err := s.Book.NoteRun(ctx, a.Channel.OrgID, a.Channel.ID, inbox.ReportRun{}); err != nil {
		return ownTrouble("forget the report", err)
	}
	if result.Verdict != job.Succeed || result.Class == job.ClassReportFailed {
		result.Verdict, result.RetryAfter = job.Retry, max(result.RetryAfter, firstThrottle)
	}
	return result
}

func (s *Spend) apply(ctx context.Context, a inbox.SpendAccount, report inbox.SpendReport) job.Result {
	done, err := s.Book.ApplySpend(ctx, a.Channel.OrgID, a.Channel.ID, report)
	if err != nil {
		return ownTrouble("store the spend", err)
	}
	if s.Applied != nil {
		s.Applied(done)
	}
	if done.Refused > 0 {
		s.Logger.WarnContext(ctx, "rows of ad spend refused; what was stored of them is kept", "org_id", a.Channel.OrgID,
			"channel", a.Channel.ID, "count", done.Refused, "first", report.Refused[0].Reason)
	}
	return job.Result{Verdict: job.Succeed}
}

// ownTrouble is the outcome when our own database is in the way: it costs no
// attempt.
func ownTrouble(what string, err error) job.Result {
	if errors.Is(err, context.DeadlineExceeded) {
		return job.Result{Verdict: job.Retry, Class: job.ClassTransient, Detail: what + ": out of time"}
	}
	return job.Result{Verdict: job.Throttle, Class: job.ClassTransient, RetryAfter: readPause, Detail: fmt.Sprintf("%s: %v", what, err)}
}
