package adminapi

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// caller is who calls: a name for the log, a role, and the org it is bound to
// (0: all).
type caller struct {
	name  string
	role  admin.Role
	orgID int64
}

type (
	callerKey struct{}
	peerKey   struct{}
)

// peer is the user at the other end of a unix socket.
type peer struct{ uid uint32 }

// withPeer notes who opened a unix socket, once per connection.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	uid, err := peerUID(socket)
	if err != nil {
		return ctx // Not known: then a token is needed, as on TCP.
	}
	return context.WithValue(ctx, peerKey{}, peer{uid})
}

// identify says who calls. Whoever may open the socket is admin; a token, where
// one is given, says less or the same.
func (h *handler) identify(r *http.Request) (caller, error) {
	local, onSocket := r.Context().Value(peerKey{}).(peer)
	header := r.Header.Get("Authorization")
	if header == "" && onSocket {
		return caller{name: "local:" + strconv.FormatUint(uint64(local.uid), 10), role: admin.Admin}, nil
	}
	scheme, clear, _ := strings.Cut(header, " ")
	if header == "" || !strings.EqualFold(scheme, "Bearer") || clear == "" {
		return caller{}, inbox.Faultf(inbox.Unauthorized, "no_token", "this needs a token: inboxctl login, or --token-file FILE")
	}
	p, err := h.Tokens.AuthenticateAdmin(r.Context(), strings.TrimSpace(clear))
	if err != nil {
		return caller{}, err
	}
	return caller{name: "token:" + strconv.FormatInt(p.TokenID, 10), role: admin.Role(p.Role), orgID: p.OrgID}, nil
}

// refuseBrowser keeps web pages out: no browser has business here, and on the
// loopback address a page could otherwise call through a rebound host name.
func refuseBrowser(r *http.Request) error {
	for name := range r.Header {
		if name == "Origin" || name == "Referer" || strings.HasPrefix(name, "Sec-Fetch-") {
			return inbox.Faultf(inbox.Forbidden, "browser", "the admin API is not for browsers: it refuses requests with %s", name)
		}
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if local != nil && local.IP.IsLoopback() && !literalHost(r.Host) {
		return inbox.Faultf(inbox.Forbidden, "host", "the host %q is not this server's: use localhost or its IP address", r.Host)
	}
	return nil
}

func literalHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost"
}
