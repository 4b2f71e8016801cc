package httpapi

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// identity is who asks and how this request is recognised. It is the only
// value that travels by context; middleware fills it in, handlers read it.
type identity struct {
	requestID string
	principal inbox.Principal
	userID    int64 // the acting agent; 0: none was named
	once      inbox.Once
	span      *requestSpan
}

type identityKey struct{}

func withIdentity(ctx context.Context, who identity) context.Context {
	return context.WithValue(ctx, identityKey{}, who)
}

// identityOf returns the identity of the request, or the empty one.
func identityOf(ctx context.Context) identity {
	who, _ := ctx.Value(identityKey{}).(identity)
	return who
}

// agent returns the acting user of a write that needs one.
func (i identity) agent() (int64, error) {
	if i.userID == 0 {
		return 0, inbox.Faultf(inbox.Invalid, "user_required",
			"this token belongs to an org, not to a user: add the header X-Inbox-User with the name of the agent who acts")
	}
	return i.userID, nil
}

const requestIDHeader = "X-Request-Id"

// requestID returns the caller's own id if it is fit for logs, or a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get(requestIDHeader)
	if len(id) >= 1 && len(id) <= 64 && visibleASCII(id) {
		return id
	}
	return rand.Text()
}

// visibleASCII reports whether s is made of the characters ! to ~ only.
func visibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
