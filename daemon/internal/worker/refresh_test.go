package worker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// purse is a channel's token, the provider it comes from, and the gate.
type purse struct {
	token    inbox.ChannelToken
	readErr  error
	writeErr error
	taken    bool // somebody else was faster
	replaced []string
	noted    []inbox.TokenLife
	paused   []string

	renewals int
	renewIs  job.Result
	proofIs  job.Result
	proof    inbox.TokenLife

	stopped time.Time
	stops   int
	log     bytes.Buffer
}

func (p *purse) ChannelToken(context.Context, int64, int64) (inbox.ChannelToken, error) {
	return p.token, p.readErr
}

func (p *purse) ReplaceToken(_ context.Context, seen inbox.ChannelToken, clear string, life inbox.TokenLife) (bool, error) {
	if p.writeErr != nil || p.taken {
		return false, p.writeErr
	}
	p.replaced = append(p.replaced, clear)
	p.token.Token, p.token.TokenLife, p.token.Version = clear, life, seen.Version+1
	p.token.RefreshAt = life.RefreshAt(seen.Channel.ID, p.token.Version)
	return true, nil
}

func (p *purse) NoteToken(_ context.Context, _ inbox.ChannelToken, life inbox.TokenLife) error {
	p.noted = append(p.noted, life)
	return nil
}

func (p *purse) PauseChannel(_ context.Context, _, _, _ int64, reason string) (bool, error) {
	p.paused = append(p.paused, reason)
	return true, nil
}

func (p *purse) RenewToken(context.Context, inbox.ChannelToken) (inbox.IssuedToken, job.Result) {
	p.renewals++
	return inbox.IssuedToken{Token: "EAAfresh", ExpiresAt: night().Add(60 * 24 * time.Hour)}, p.renewIs
}

func (p *purse) InspectToken(_ context.Context, _ inbox.Channel, _ string, kind inbox.TokenKind) (inbox.TokenLife, job.Result) {
	life := p.proof
	if life.Kind == "" {
		life.Kind = kind
	}
	return life, p.proofIs
}

func (p *purse) RefreshStopped(context.Context) (time.Time, error) { return p.stopped, nil }

func (p *purse) StopRefreshes(context.Context) (bool, error) {
	p.stops++
	first := p.stopped.IsZero()
	p.stopped = night()
	return first, nil
}

func (p *purse) ResumeRefreshes(context.Context) (bool, error) {
	was := !p.stopped.IsZero()
	p.stopped = time.Time{}
	return was, nil
}

func newPurse(kind inbox.TokenKind) *purse {
	return &purse{token: inbox.ChannelToken{
		Channel:   inbox.Channel{ID: 5, OrgID: 1, Kind: inbox.WhatsApp, State: inbox.ChannelActive},
		TokenLife: inbox.TokenLife{Kind: kind, IssuedAt: night().AddDate(0, 0, -40), ExpiresAt: night().AddDate(0, 0, 20), CheckedAt: night()},
		Token:     "EAAold", Version: 3, RefreshAt: night(),
	}}
}

func (p *purse) refresh() job.Result {
	f := &worker.Refresh{
		Tokens: p, Gate: p, Renewer: p, Pauser: p, Now: night, Logger: slog.New(slog.NewTextHandler(&p.log, nil)),
	}
	return f.Process(context.Background(), job.Claimed{ID: 1, OrgID: 1, SubjectID: 5, Attempt: 1})
}

func TestRefreshReplacesAProvenToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []inbox.TokenKind{inbox.TokenInstagramLong, inbox.TokenFacebookLong, inbox.TokenSystemUser} {
		p := newPurse(kind)
		require.Equal(t, job.Succeed, p.refresh().Verdict)
		require.Equal(t, []string{"EAAfresh"}, p.replaced)
		require.Equal(t, night().Add(60*24*time.Hour), p.token.ExpiresAt)
		require.Equal(t, job.Succeed, p.refresh().Verdict, "a second job finds nothing to do")
		require.Equal(t, 1, p.renewals)
		require.NotContains(t, p.log.String(), "EAA")
	}
}

// The old token works until the new one is known to: whatever goes wrong
// between the two leaves the channel as it was, and costs no more than a try.
func TestRefreshKeepsTheOldToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*purse)
		want   job.Verdict
	}{
		"AnswerLost":        {func(p *purse) { p.renewIs = job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous} }, job.Doubt},
		"NewOneNotValid":    {func(p *purse) { p.proofIs = job.Result{Verdict: job.Fail, Class: job.ClassAuth} }, job.Retry},
		"NewOneLacksScope":  {func(p *purse) { p.proofIs = job.Result{Verdict: job.Fail, Class: job.ClassPermission} }, job.Fail},
		"ProofUnreachable":  {func(p *purse) { p.proofIs = job.Result{Verdict: job.Retry, Class: job.ClassTransient} }, job.Retry},
		"DatabaseAway":      {func(p *purse) { p.writeErr = errors.New("connection refused") }, job.Throttle},
		"SomebodyWasFaster": {func(p *purse) { p.taken = true }, job.Succeed},
		"Throttled":         {func(p *purse) { p.renewIs = job.Result{Verdict: job.Throttle, Class: job.ClassThrottleApp} }, job.Throttle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPurse(inbox.TokenSystemUser)
			c.change(p)
			require.Equal(t, c.want, p.refresh().Verdict)
			require.Equal(t, "EAAold", p.token.Token)
			require.Empty(t, p.paused, "the old token is not to blame")
		})
	}
}

func TestRefreshWithoutAToken(t *testing.T) {
	t.Parallel()
	p := newPurse(inbox.TokenFacebookLong)
	p.token.ExpiresAt = night().Add(-time.Second)
	r := p.refresh()
	require.Equal(t, [2]any{job.Throttle, job.ClassAuth}, [2]any{r.Verdict, r.Class})
	require.Contains(t, p.paused[0], "expired")
	require.Zero(t, p.renewals, "an expired token cannot be renewed")

	p = newPurse(inbox.TokenFacebookLong)
	p.renewIs = job.Result{Verdict: job.Fail, Class: job.ClassAuth, Code: 190}
	require.Equal(t, job.Throttle, p.refresh().Verdict)
	require.Len(t, p.paused, 1)
	p.token.Refused = true
	require.Equal(t, job.Throttle, p.refresh().Verdict)
	require.Equal(t, 1, p.renewals, "nobody asks again until there is another token")

	p = newPurse(inbox.TokenFacebookLong)
	p.token.RefreshAt = time.Time{}
	require.Equal(t, job.Succeed, p.refresh().Verdict)
	p.readErr = inbox.Faultf(inbox.NotFound, "channel_not_found", "gone")
	require.Equal(t, job.ClassGone, p.refresh().Class)
	require.Zero(t, p.renewals)
}

// A token of which nothing is known is asked about, not renewed.
func TestRefreshLearnsFirst(t *testing.T) {
	t.Parallel()
	p := newPurse(inbox.TokenUnknown)
	p.token.ExpiresAt, p.token.CheckedAt = time.Time{}, time.Time{}
	p.proof = inbox.TokenLife{Kind: inbox.TokenSystemUser, CheckedAt: night()}
	require.Equal(t, job.Succeed, p.refresh().Verdict)
	require.Zero(t, p.renewals)
	require.Equal(t, inbox.TokenSystemUser, p.noted[0].Kind)
	require.Equal(t, p.token.IssuedAt, p.noted[0].IssuedAt)
}

// A wrong app secret is our fault: one alert, no channel is paused, and after a
// while one job looks whether it is right again.
func TestRefreshStopsOnOurOwnFault(t *testing.T) {
	t.Parallel()
	p := newPurse(inbox.TokenFacebookLong)
	p.renewIs = job.Result{Verdict: job.Fail, Class: job.ClassConfig, Code: 1, Detail: "Error validating client secret."}
	for range 5 {
		r := p.refresh()
		require.Equal(t, [2]any{job.Throttle, job.ClassConfig}, [2]any{r.Verdict, r.Class})
		require.Positive(t, r.RetryAfter)
	}
	require.Equal(t, 1, p.renewals)
	require.Equal(t, 1, strings.Count(p.log.String(), "level=ERROR"))
	require.Empty(t, p.paused)

	insta := newPurse(inbox.TokenInstagramLong)
	insta.stopped = night()
	require.Equal(t, job.Succeed, insta.refresh().Verdict, "Instagram renews without the secret")

	p.stopped = night().Add(-20 * time.Minute)
	require.Equal(t, job.ClassConfig, p.refresh().Class)
	require.Equal(t, 2, p.renewals, "one try after the rest")
	require.Equal(t, 1, strings.Count(p.log.String(), "level=ERROR"), "and no second alert")
	p.stopped, p.renewIs = night().Add(-20*time.Minute), job.Result{}
	require.Equal(t, job.Succeed, p.refresh().Verdict)
	require.Zero(t, p.stopped)
	require.Contains(t, p.log.String(), "renewals go on")
}

// A send that is refused for its token waits with its channel instead of
// failing a message that an agent has written.
func TestSendWaitsForANewToken(t *testing.T) {
	t.Parallel()
	p := newPurse(inbox.TokenFacebookLong)
	out := inbox.Outgoing{
		Message: inbox.Message{ID: 41, JobID: 1, Kind: inbox.KindText, Status: inbox.Queued, Text: "hello"},
		Channel: inbox.Channel{ID: 5, OrgID: 1, Kind: inbox.WhatsApp, State: inbox.ChannelActive}, LastInboundAt: night(), TokenVersion: 3,
	}
	s := &worker.Send{
		Outbox: &fakeOutbox{out: out}, Pauser: p, Now: night, Logger: slog.New(slog.NewTextHandler(&p.log, nil)),
		Sender: refusing{job.Result{Verdict: job.Fail, Class: job.ClassAuth, Code: 190, Detail: "Session has expired"}},
	}
	r := s.Process(t.Context(), job.Claimed{ID: 1, OrgID: 1, SubjectID: 41})
	require.Equal(t, [2]any{job.Throttle, job.ClassAuth}, [2]any{r.Verdict, r.Class})
	require.Equal(t, []string{"the access token does not work: Session has expired"}, p.paused)
	require.Contains(t, p.log.String(), "channel paused")

	s.Sender = refusing{job.Result{Verdict: job.Fail, Class: job.ClassPermission}}
	require.Equal(t, job.Fail, s.Process(t.Context(), job.Claimed{ID: 1}).Verdict)
	require.Len(t, p.paused, 1)
}

type refusing struct{ result job.Result }

func (r refusing) Send(context.Context, inbox.Outgoing, string) job.Result { return r.result }
