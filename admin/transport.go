package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// dial turns an address into the base of every URL and the transport to it.
func dial(server string) (string, http.RoundTripper, error) {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 0, // The deadline of the call bounds it.
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   2,
	}
	u, err := url.Parse(server)
	switch {
	case err != nil || server == "":
		return "", nil, badServer(server)
	case u.Scheme == "unix" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", u.Path)
		}
		return "http://inboxd", transport, nil
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && strings.Trim(u.Path, "/") == "":
		return u.Scheme + "://" + u.Host, transport, nil
	}
	return "", nil, badServer(server)
}

func badServer(server string) error {
	return errorf(Invalid, "bad_server", "%q is not a server address: write unix:///path/to/admin.sock, http://host:port or https://host", server)
}

// advise says what to do about a connection that could not be made.
func advise(server string, err error) string {
	const start = "start it with `inboxd` (APP_MODE=api or all) or `inboxd dev`, or name a server with --server"
	var dns *net.DNSError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("inboxd is not running here (no socket at %s): %s", strings.TrimPrefix(server, "unix://"), start)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens at %s: %s", server, start)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("you may not open %s: join the socket's group, or use sudo", strings.TrimPrefix(server, "unix://"))
	case errors.As(err, &dns):
		return fmt.Sprintf("the host of %s cannot be found: check --server or the context", server)
	}
	return fmt.Sprintf("cannot reach %s: %v", server, err)
}
