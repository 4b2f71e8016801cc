package meta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// Options configures a Client.
type Options struct {
	GraphURL     string           // base URL for WhatsApp, e.g. https://graph.facebook.com; required
	InstagramURL string           // base URL for Instagram, e.g. https://graph.instagram.com; required
	Version      string           // Graph API version, e.g. v26.0; required
	AppID        string           // names our app to the token endpoints; may be empty
	AppSecrets   []string         // keys of webhook signatures, and our password at the token endpoints; all are tried; may be empty
	HTTP         *http.Client     // nil: an own client with guarded connections and timeouts
	Fence        func() error     // asked before the first byte of each send; nil: always allowed
	Now          func() time.Time // for the expiry of new tokens; nil: time.Now
}

// Client sends messages. It is safe for concurrent use.
type Client struct {
	graphURL, instagramURL, version string
	appID                           string
	secrets                         []string
	http                            *http.Client
	reads                           *http.Client // for calls that are no sends
	fence                           func() error
	now                             func() time.Time
	total                           time.Duration
}

// sendTimeout bounds one send, connecting and reading the answer included.
const sendTimeout = 8 * time.Second

// NewClient checks the options; the error names every fault.
func NewClient(o Options) (*Client, error) {
	err := errors.Join(
		checkBase("graph URL", o.GraphURL), checkBase("instagram URL", o.InstagramURL), checkVersion(o.Version))
	if err != nil {
		return nil, err
	}
	c := &Client{
		graphURL: strings.TrimRight(o.GraphURL, "/"), instagramURL: strings.TrimRight(o.InstagramURL, "/"),
		version: o.Version, appID: o.AppID, secrets: o.AppSecrets, fence: o.Fence, now: o.Now, total: sendTimeout,
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.fence == nil {
		c.fence = func() error { return nil }
	}
	// The caller's client is copied: following a redirect would hand the token
	// to whoever Meta's host, or a proxy, points at.
	c.http = &http.Client{Transport: newTransport(c.fence, nil)}
	if o.HTTP != nil {
		copied := *o.HTTP
		c.http = &copied
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.reads = newReads(c.http, o.HTTP == nil)
	return c, nil
}

func checkBase(what, base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%s is not an absolute http or https URL", what)
	}
	return nil
}

func checkVersion(version string) error {
	if !strings.HasPrefix(version, "v") || strings.ContainsAny(version, "/?# ") {
		return fmt.Errorf("graph API version %q is not of the form v26.0", version)
	}
	return nil
}

// Verify reports whether a webhook's signature was made with one of the app
// secrets. See VerifySignature.
func (c *Client) Verify(signature string, body []byte) bool {
	return VerifySignature(c.secrets, signature, body)
}

// Close drops idle connections. A send in progress is not interrupted.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.reads.CloseIdleConnections()
}

// Send makes one attempt to send a message and says what came of it. Callback
// goes out as X-Request-Id and, on WhatsApp, as biz_opaque_callback_data. It
// takes at most 8 s. The outcome is a Doubt if and only if a byte of the
// request may have left and Meta's answer does not settle it. Neither token,
// phone number nor text appear in the result.
func (c *Client) Send(ctx context.Context, out inbox.Outgoing, callback string) job.Result {
	request, err := c.request(out, callback)
	if err != nil {
		return refused(err)
	}
	ctx, span := trace.Start(ctx, "graph send", trace.Client)
	defer span.End()
	result := c.exchange(ctx, request)
	if span.On() {
		span.Text("request_id", callback)
		span.Text("channel_kind", string(out.Channel.Kind))
		if result.Verdict != job.Succeed {
			span.Fail(string(result.Class))
		}
	}
	result.Detail = redact(result.Detail, out.Token, out.Message.Text, out.Contact.WaID, out.Contact.UserID, out.Contact.Name)
	return result
}

// refused is the outcome of a message that cannot be sent as it is: nothing has
// left.
func refused(err error) job.Result {
	class := job.ClassRequestInvalid
	if errors.Is(err, errToken) {
		class = job.ClassAuth
	}
	return job.Result{Verdict: verdictOf(class), Class: class, Detail: err.Error()}
}
