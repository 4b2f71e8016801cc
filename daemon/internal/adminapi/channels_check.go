package adminapi

import (
	"context"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// TokenChecker asks the provider whether a token is good for a channel, and how
// long it lives.
type TokenChecker interface {
	InspectToken(ctx context.Context, channel inbox.Channel, clear string, kind inbox.TokenKind) (inbox.TokenLife, job.Result)
}

// checkTime is how long Meta may take to say something about a token.
const checkTime = 8 * time.Second

// checkToken refuses a token that Meta calls bad: a channel with it would fail
// with its first message, long after whoever added it has gone. Where Meta says
// nothing, the warning says why, and the channel is added all the same.
func (h *handler) checkToken(ctx context.Context, c *inbox.Channel, a admin.ChannelAdd) (checked bool, warning string, err error) {
	switch {
	case a.NoCheck:
		return false, "the token was not checked, because you asked for that", nil
	case h.TokenChecker == nil:
		return false, "the token was not checked: this server does not speak to Meta", nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	kind := inbox.TokenLife{Kind: c.TokenKind}.For(c.Kind).Kind
	life, result := h.TokenChecker.InspectToken(ctx, *c, a.Token, kind)
	switch {
	case result.Verdict == job.Succeed:
		if c.TokenKind == "" {
			c.TokenKind = life.Kind
		}
		if c.TokenExpiresAt.IsZero() {
			c.TokenExpiresAt = life.ExpiresAt
		}
		return true, "", nil
	case refuses(result.Class):
		return false, "", inbox.Faultf(inbox.Unprocessable, "token_refused", "Meta says that this token is not good for the channel (%s): %s; nothing was stored; --no-check adds it all the same", result.Class, result.Detail)
	}
	return false, "Meta did not say whether the token is good (" + string(result.Class) + "): " + result.Detail, nil
}

// refuses reports whether a class is Meta's word about the token, and not about
// our settings or the weather.
func refuses(c job.Class) bool { return c == job.ClassAuth || c == job.ClassPermission }
