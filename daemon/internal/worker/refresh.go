package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Tokens keeps the channels' tokens.
type Tokens interface {
	ChannelToken(ctx context.Context, orgID, channelID int64) (inbox.ChannelToken, error)
	// ReplaceToken is false if the token seen is no longer the channel's.
	ReplaceToken(ctx context.Context, seen inbox.ChannelToken, clear string, life inbox.TokenLife) (bool, error)
	NoteToken(ctx context.Context, seen inbox.ChannelToken, life inbox.TokenLife) error
}

// Gate is closed while our own app secret is refused: for all processes.
type Gate interface {
	RefreshStopped(ctx context.Context) (since time.Time, err error)
	StopRefreshes(ctx context.Context) (first bool, err error)
	ResumeRefreshes(ctx context.Context) (was bool, err error)
}

// Renewer asks the provider for tokens and about them.
type Renewer interface {
	RenewToken(ctx context.Context, t inbox.ChannelToken) (inbox.IssuedToken, job.Result)
	InspectToken(ctx context.Context, channel inbox.Channel, clear string, kind inbox.TokenKind) (inbox.TokenLife, job.Result)
}

const (
	// gatePause is how long nobody asks while our app secret is refused; then
	// one job tries.
	gatePause = 15 * time.Minute
	// tokenPause is how often a job looks whether a refused token was replaced.
	tokenPause = 5 * time.Minute
	// expiredReason is what operators read when a token could not be renewed in
	// time: an expired one cannot be renewed at all.
	expiredReason = "it has expired, and an expired one cannot be renewed"
)

// Refresh is the processor of refresh_token: it learns what a token is, and
// renews it. There is one run per channel at a time (the ledger's), the new
// token replaces only the one it was made from (the version's), and only after
// the provider has confirmed it. The old one stays valid, so an answer that is
// lost costs nothing but another try.
type Refresh struct {
	Tokens  Tokens
	Gate    Gate
	Renewer Renewer
	Pauser  Pauser
	Now     func() time.Time
	Logger  *slog.Logger
	Renewed func(inbox.TokenKind) // told of each renewal; nil: nobody cares
}

// Process looks after the token of one channel.
func (f *Refresh) Process(ctx context.Context, c job.Claimed) job.Result {
	t, err := f.Tokens.ChannelToken(ctx, c.OrgID, c.SubjectID)
	switch {
	case inbox.KindOf(err) == inbox.NotFound:
		return job.Result{Verdict: job.Fail, Class: job.ClassGone, Detail: "the channel no longer exists"}
	case err != nil:
		return ownTrouble("read the token", err)
	case t.RefreshAt.IsZero() || t.RefreshAt.After(f.Now()):
		return job.Result{Verdict: job.Succeed} // somebody was faster
	case t.Refused:
		return job.Result{Verdict: job.Throttle, Class: job.ClassAuth, RetryAfter: tokenPause, Detail: "the channel waits for a new access token"}
	}
	if r, closed := f.closed(ctx, t); closed {
		return r
	}
	return pauseRefused(ctx, f.Pauser, f.Logger, t.Channel, t.Version, f.gated(ctx, t, f.refresh(ctx, t)))
}

// closed reports whether the job must wait because our own app secret is
// refused. Instagram renews without it.
func (f *Refresh) closed(ctx context.Context, t inbox.ChannelToken) (job.Result, bool) {
	if t.Kind == inbox.TokenInstagramLong {
		return job.Result{}, false
	}
	since, err := f.Gate.RefreshStopped(ctx)
	if err != nil {
		return ownTrouble("read whether renewals rest", err), true
	}
	if rest := since.Add(gatePause).Sub(f.Now()); !since.IsZero() && rest > 0 {
		return waitForSecret(rest), true
	}
	return job.Result{}, false
}

func waitForSecret(rest time.Duration) job.Result {
	return job.Result{
		Verdict: job.Throttle, Class: job.ClassConfig, RetryAfter: rest,
		Detail: "all renewals rest: the provider refuses our app secret",
	}
}

// gated closes the gate when our app secret is refused, with one alert over all
// processes, and opens it again. No channel is to blame.
func (f *Refresh) gated(ctx context.Context, t inbox.ChannelToken, r job.Result) job.Result {
	switch {
	case t.Kind == inbox.TokenInstagramLong:
	case r.Class == job.ClassConfig:
		first, err := f.Gate.StopRefreshes(ctx)
		if err != nil {
			return ownTrouble("stop the renewals", err)
		}
		if first {
			f.Logger.ErrorContext(ctx, "the provider refuses our app id or secret: all token renewals rest until the settings are right",
				"code", r.Code, "error", r.Detail)
		}
		return waitForSecret(gatePause)
	case r.Verdict == job.Succeed:
		switch was, err := f.Gate.ResumeRefreshes(ctx); {
		case err != nil:
			f.Logger.WarnContext(ctx, "renewals not resumed; they resume with the next success", "error", err)
		case was:
			f.Logger.InfoContext(ctx, "token renewals go on: the provider takes our app secret again")
		}
	}
	return r
}

func (f *Refresh) refresh(ctx context.Context, t inbox.ChannelToken) job.Result {
	if !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(f.Now()) {
		return job.Result{Verdict: job.Fail, Class: job.ClassAuth, Detail: expiredReason}
	}
	if t.Kind != inbox.TokenInstagramLong && (t.ExpiresAt.IsZero() || t.CheckedAt.IsZero()) {
		return f.learn(ctx, t)
	}
	issued, result := f.Renewer.RenewToken(ctx, t)
	if result.Verdict != job.Succeed {
		return result
	}
	life, result := f.Renewer.InspectToken(ctx, t.Channel, issued.Token, t.Kind)
	if result.Verdict != job.Succeed {
		return unproven(result)
	}
	life = f.merged(t, issued, life)
	replaced, err := f.Tokens.ReplaceToken(ctx, t, issued.Token, life)
	switch {
	case err != nil:
		return ownTrouble("store the new token", err)
	case !replaced: // an operator gave another token meanwhile: that one counts
		return job.Result{Verdict: job.Succeed}
	}
	if f.Renewed != nil {
		f.Renewed(life.Kind)
	}
	f.Logger.InfoContext(ctx, "access token renewed", "org_id", t.Channel.OrgID, "channel", t.Channel.ID,
		"token_kind", string(life.Kind), "token_expires_at", life.ExpiresAt)
	return result
}

// unproven keeps the old token: what is wrong with the new one says nothing
// about it, so the channel is not paused.
func unproven(r job.Result) job.Result {
	if r.Class == job.ClassAuth {
		r.Verdict, r.Class = job.Retry, job.ClassTransient
	}
	r.Detail = "the new token was not confirmed, the old one stays: " + r.Detail
	return r
}

// merged is the life of a new token: what the provider confirmed, else what it
// promised. A token that comes back unchanged is as old as it was.
func (f *Refresh) merged(t inbox.ChannelToken, issued inbox.IssuedToken, confirmed inbox.TokenLife) inbox.TokenLife {
	life := inbox.TokenLife{Kind: t.Kind, IssuedAt: f.Now(), ExpiresAt: issued.ExpiresAt, CheckedAt: f.Now()}
	if confirmed.Kind != inbox.TokenUnknown {
		life.Kind = confirmed.Kind
	}
	if !confirmed.ExpiresAt.IsZero() {
		life.ExpiresAt = confirmed.ExpiresAt
	}
	return life
}

// learn asks what a token is of which too little is known. Its renewal, if it
// ever needs one, is another job's.
func (f *Refresh) learn(ctx context.Context, t inbox.ChannelToken) job.Result {
	life, result := f.Renewer.InspectToken(ctx, t.Channel, t.Token, t.Kind)
	if result.Verdict != job.Succeed {
		return result
	}
	if life.IssuedAt.IsZero() {
		life.IssuedAt = t.IssuedAt
	}
	if err := f.Tokens.NoteToken(ctx, t, life); err != nil {
		return ownTrouble("note the token", err)
	}
	return result
}
