package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	maxAnswer      = 64 << 20
)

// Options configure a Client.
type Options struct {
	Server  string        // unix:///path, http://host:port or https://host; empty: DefaultServer
	Token   string        // bearer token; empty: none, which only a socket accepts
	Version string        // of the caller, sent with every call
	Timeout time.Duration // of one call; 0: 10 s, for a retry a little more than RetryTime
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	server  string // as the operator wrote it
	base    string // of every URL
	token   string
	version string
	timeout time.Duration
	http    *http.Client
	seen    atomic.Pointer[string] // version of the server
}

// NewClient returns a Client, or an Invalid Error if the address cannot be one.
// It does not connect.
func NewClient(o Options) (*Client, error) {
	if o.Server == "" {
		o.Server = DefaultServer
	}
	base, transport, err := dial(o.Server)
	if err != nil {
		return nil, err
	}
	return &Client{
		server: o.Server, base: base, token: o.Token, version: o.Version, timeout: max(o.Timeout, 0),
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // A redirect could carry the token elsewhere.
		}},
	}, nil
}

// Server returns the address the Client was made for.
func (c *Client) Server() string { return c.server }

// ServerVersion returns the version of the server as of the last answer, "" if
// none came yet.
func (c *Client) ServerVersion() string {
	if v := c.seen.Load(); v != nil {
		return *v
	}
	return ""
}

// Close drops idle connections. The Client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call is one exchange within the ordinary time.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, body any) (T, error) {
	return callWithin[T](ctx, c, defaultTimeout, method, path, query, body)
}

// callWithin is one exchange: it bounds the time (by limit, unless the Client
// has a bound of its own) and the answer, closes the body and turns every fault
// into an *Error. A cancelled ctx is returned as it is.
func callWithin[T any](ctx context.Context, c *Client, limit time.Duration, method, path string, query url.Values, body any) (T, error) {
	var answer T
	limit = cmp.Or(c.timeout, limit)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := c.request(ctx, method, path, query, body)
	if err != nil {
		return answer, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer, c.explain(ctx, err, method, limit)
	}
	defer func() { _ = resp.Body.Close() }()
	if v := resp.Header.Get(VersionHeader); v != "" {
		c.seen.Store(&v)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer, c.explain(ctx, err, method, limit)
	case len(raw) > maxAnswer:
		return answer, errorf(Internal, "answer_too_large", "the answer of %s is larger than %d MiB: narrow the selection", c.server, maxAnswer>>20)
	case resp.StatusCode >= http.StatusMultipleChoices:
		return answer, c.fault(resp, raw)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return answer, c.notOurs(resp.StatusCode, err)
	}
	return answer, nil
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body any) (*http.Request, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		reader = bytes.NewReader(raw)
	}
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, errorf(Invalid, "bad_server", "%q is not a server address: %v", c.server, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set(VersionHeader, c.version)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// fault decodes a problem to the kind the server used.
func (c *Client) fault(resp *http.Response, raw []byte) error {
	var p Problem
	if err := json.Unmarshal(raw, &p); err != nil || p.Detail == "" {
		return c.notOurs(resp.StatusCode, err)
	}
	if p.Kind == "" && p.Code == publicNoRoute && resp.Header.Get(VersionHeader) == "" {
		return publicAPI(c.server)
	}
	if p.Kind == "" {
		p.Kind = kindOf(resp.StatusCode)
	}
	e := &Error{Kind: p.Kind, Code: p.Code, Text: p.Detail, Status: resp.StatusCode}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}

// publicNoRoute is what the public API says of a path of this one.
const publicNoRoute = "no_such_route"

// publicAPI: an operator has two addresses of one inboxd at hand, and took the
// other.
func publicAPI(server string) error {
	return errorf(Invalid, CodePublicAPI, "%s is inboxd's public API, and operators need its admin API: name the socket (INBOXD_ADMIN_SOCKET, by default %s), or the address in INBOXD_ADMIN_LISTEN", server, DefaultServer)
}

func (c *Client) notOurs(status int, cause error) error {
	e := errorf(kindOf(status), CodeNotInboxd, "%s answered HTTP %d, but not as inboxd does: check the address", c.server, status)
	if c.ServerVersion() != "" {
		e.Text = fmt.Sprintf("%s (inboxd %s) answered HTTP %d in a form this version does not know", c.server, c.ServerVersion(), status)
	}
	if status < http.StatusBadRequest {
		e.Kind = Unreachable
	}
	e.Status, e.Err = status, cause
	return e
}

// explain turns a failed exchange into advice. After a change nobody answered,
// trying again blindly is the wrong one.
func (c *Client) explain(ctx context.Context, err error, method string, limit time.Duration) error {
	switch {
	case errors.Is(err, context.Canceled) && method == http.MethodGet:
		return context.Canceled
	case errors.Is(err, context.Canceled):
		const unsure = "interrupted: the change may have been made, or a part of it; look before you try again"
		return &Error{Kind: Internal, Code: CodeInterrupted, Text: unsure, Err: context.Canceled}
	}
	e := &Error{Kind: Unreachable, Code: CodeUnreachable, Err: err}
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		e.Code = CodeTimeout
		e.Text = fmt.Sprintf("%s did not answer within %s: try again, or wait longer with --timeout", c.server, limit)
		if method != http.MethodGet {
			e.Text = fmt.Sprintf("%s did not answer within %s: the change may be done, or in part; look before you try again, and wait longer with --timeout", c.server, limit)
		}
		return e
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	e.Text = advise(c.server, err)
	return e
}
