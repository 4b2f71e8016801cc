package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// door is the middleware before every operation under /v1: it finds out who
// asks before a byte of the body is read, then reads the body within bounds.
func (a *api) door(hctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(hctx)
	who, err := a.identify(r)
	var parent string
	if who.principal.OrgID != 0 {
		parent = r.Header.Get(trace.Header)
	}
	ctx := who.span.begin(r.Context(), parent)
	var body []byte
	if err == nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		body, err = readBody(r, hctx.Operation().RequestBody != nil)
	}
	if err == nil {
		who.once, err = onceOf(r, body)
	}
	ctx = withIdentity(ctx, who)
	if err != nil {
		a.problemOf(ctx, err).write(w)
		return
	}
	next(&exchange{humaContext: huma.WithContext(hctx, ctx), body: body})
}

// identify authenticates the token and resolves the acting agent. Whatever
// goes wrong, what is known so far is returned for the error answer.
func (a *api) identify(r *http.Request) (identity, error) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	who := identityOf(ctx)
	token, err := bearer(r)
	if err != nil {
		return who, err
	}
	if who.principal, err = a.Authenticator.Authenticate(ctx, token); err != nil {
		return who, fmt.Errorf("authenticate: %w", err)
	}
	who.userID, err = a.actor(ctx, who.principal, r.Header.Get("X-Inbox-User"))
	return who, err
}

// bearer returns the token of the Authorization header.
func bearer(r *http.Request) (string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", inbox.Faultf(inbox.Unauthorized, "token_required",
			`send the header "Authorization: Bearer <token>" with an API token of the org`)
	}
	return token, nil
}

// actor returns the id of the agent a request acts for, 0 if none is named. A
// user token speaks for its user only.
func (a *api) actor(ctx context.Context, principal inbox.Principal, named string) (int64, error) {
	switch {
	case named == "" || (principal.UserID != 0 && named == principal.UserName):
		return principal.UserID, nil
	case principal.UserID != 0:
		return 0, inbox.Faultf(inbox.Forbidden, "user_mismatch",
			"this token belongs to another user than X-Inbox-User names: leave the header out, or use an org token")
	}
	unknown := inbox.Faultf(inbox.Unprocessable, "unknown_user", "X-Inbox-User names no user of this org")
	if inbox.CheckName("user", named) != nil {
		return 0, unknown
	}
	user, err := a.Authenticator.UserByName(ctx, principal.OrgID, named)
	if err != nil && inbox.KindOf(err) == inbox.NotFound {
		return 0, unknown
	}
	return user.ID, err
}

// humaContext gives the embedded interface a name that is not its method's.
type humaContext interface{ huma.Context }

// exchange is huma's context of a request that passed the door: the body is
// read already, and the status follows what transform decided.
type exchange struct {
	humaContext

	body   []byte
	status int // replaces huma's own; 0: huma's stands
}

// BodyReader returns the body the door has read.
func (x *exchange) BodyReader() io.Reader { return bytes.NewReader(x.body) }

// SetReadDeadline does nothing: the body is read, and a deadline on the
// connection would now cut off the handler.
func (x *exchange) SetReadDeadline(time.Time) error { return nil }

// SetStatus sends the status, corrected if transform replaced the body.
func (x *exchange) SetStatus(status int) {
	if x.status != 0 {
		status = x.status
	}
	x.humaContext.SetStatus(status)
}

// transform is huma's hook before a body is encoded: errors become problems.
func transform(hctx huma.Context, _ string, body any) (any, error) {
	var fault *problemError
	switch v := body.(type) {
	case *problemError:
		return v.problem, nil
	case *huma.ErrorModel:
		fault = fromHuma(v)
	default:
		return body, nil
	}
	if x, ok := hctx.(*exchange); ok {
		x.status = fault.problem.Status
	}
	who := identityOf(hctx.Context())
	fault.problem.RequestID, fault.problem.Org = who.requestID, who.principal.OrgName
	return fault.problem, nil
}
