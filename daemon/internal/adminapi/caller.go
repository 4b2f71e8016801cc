package adminapi

import (
	"context"
	"crypto/rand"
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

	tokenID   int64  // 0: none
	requestID string // of this call
	source    string // socket, or tcp and the address
	clear     string // the token itself, to look again; never shown
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
	from, source := origin(r)
	header := r.Header.Get("Authorization")
	if header == "" && onSocket {
		return caller{
			name: "local:" + strconv.FormatUint(uint64(local.uid), 10), role: admin.Admin, requestID: rand.Text(), source: source,
		}, nil
	}
	scheme, clear, _ := strings.Cut(header, " ")
	if header == "" || !strings.EqualFold(scheme, "Bearer") || clear == "" {
		return caller{}, inbox.Faultf(inbox.Unauthorized, "no_token", "this needs a token: inboxctl login, or --token-file FILE")
	}
	p, err := h.login(r.Context(), from, strings.TrimSpace(clear))
	if err != nil {
		return caller{}, err
	}
	return caller{
		name: "token:" + strconv.FormatInt(p.TokenID, 10), role: admin.Role(p.Role), orgID: p.OrgID, tokenID: p.TokenID,
		requestID: rand.Text(), source: source, clear: strings.TrimSpace(clear),
	}, nil
}

// origin says where a request comes from: for counting failed logins, and for
// the record.
func origin(r *http.Request) (key, source string) {
	if local, ok := r.Context().Value(peerKey{}).(peer); ok {
		return "uid " + strconv.FormatUint(uint64(local.uid), 10), "socket"
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "socket", "socket"
	}
	return "address " + sourceOf(at.Addr()), "tcp " + at.Addr().Unmap().String()
}

// refuseBrowser keeps web pages out: no browser has business here, and on the
// loopback address a page could otherwise call through a rebound host name.
func refuseBrowser(r *http.Request) error {
	for name := range r.Header {
		if name == "Origin" || name == "Referer" || name == "Upgrade" || strings.HasPrefix(name, "Sec-Fetch-") {
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
