// Package httpapi is the public face of inboxd: the HTTP API under /v1, the
// webhook endpoint Meta calls, the OpenAPI document and its offline page. It
// decodes, asks one domain method, encodes. It refuses rules of its own: what
// may be sent, when and by whom is decided by the store it is given.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// Authenticator knows who a token speaks for. Authenticate returns an
// Unauthorized fault for anything but a live API token; UserByName a NotFound
// fault if the org has no such user.
type Authenticator interface {
	Authenticate(ctx context.Context, clear string) (inbox.Principal, error)
	UserByName(ctx context.Context, orgID int64, name string) (inbox.User, error)
}

// Conversations reads and changes the conversations of an org. An id of
// another org is a NotFound fault, the same as an id that never existed.
type Conversations interface {
	Conversation(ctx context.Context, orgID, id int64) (inbox.Conversation, error)
	Conversations(ctx context.Context, filter inbox.ConversationFilter) ([]inbox.Conversation, error)
	Messages(ctx context.Context, orgID, conversationID, before int64, limit int) ([]inbox.Message, error)
	Message(ctx context.Context, orgID, id int64) (inbox.Message, error)
	Assign(ctx context.Context, assign inbox.Assign) (inbox.Conversation, error)
	SetState(ctx context.Context, change inbox.StateChange) (inbox.Conversation, error)
}

// Sends accepts outbound messages. When a method returns without an error the
// message and its job are durable.
type Sends interface {
	Reply(ctx context.Context, reply inbox.Reply) (inbox.Receipt, error)
	SendTemplate(ctx context.Context, send inbox.TemplateSend) (inbox.Receipt, error)
	RetryMessage(ctx context.Context, retry inbox.MessageRetry) (inbox.Receipt, error)
}

// Ingester stores what a webhook said. Everything is durable when it returns
// nil; raw is kept if a part of the batch cannot be used.
type Ingester interface {
	Ingest(ctx context.Context, batch inbox.Batch, raw []byte) (inbox.Applied, error)
}

// Webhooks speaks the provider's webhook dialect. Verify is constant-time and
// looks at the raw bytes; Parse never fails.
type Webhooks interface {
	Verify(signature string, body []byte) bool
	Parse(body []byte) inbox.Batch
}

// Options are what the API needs. Everything is required but Health, Known,
// Labels, Tracer and Now.
type Options struct {
	Authenticator Authenticator
	Conversations Conversations
	Sends         Sends
	Spending      Spending
	SLA           SLA
	Automations   Automations
	Ingester      Ingester
	Webhooks      Webhooks
	Limiter       Limiter
	Limits        func() *control.Snapshot    // what operators have set
	Known         func(context.Context) error // waits until Limits holds that; nil: it does from the start
	Repeats       Repeats
	Logger        *slog.Logger
	Registerer    prometheus.Registerer
	VerifyToken   string                 // what Meta must say to subscribe; empty: nobody can
	Version       string                 // shown in the OpenAPI document
	Labels        telemetry.LabelOptions // which orgs have series of their own
	Health        http.Handler           // serves /livez and /readyz; nil: they are not served here
	Tracer        *trace.Tracer          // nil: requests are not traced
	Now           func() time.Time       // nil: time.Now
}

// callTimeout bounds every call into the store made for a request under /v1.
const callTimeout = 10 * time.Second

// api holds what handlers share. It is immutable after New.
type api struct {
	Options

	mux       *http.ServeMux
	huma      huma.API
	metrics   *metrics
	limitHits *limitHits
}

// New returns the whole public handler. The error names what is missing from
// the options, or a metric that is registered already.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("build the public api: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Known == nil {
		o.Known = func(context.Context) error { return nil }
	}
	a := &api{Options: o, mux: http.NewServeMux()}
	a.huma = newHuma(a.mux, o.Version)
	a.huma.UseMiddleware(a.door)
	a.registerConversations()
	a.registerMessages()
	a.registerSends()
	a.registerSpend()
	a.registerSLA()
	a.registerAutomations()
	a.registerHours()
	a.registerLimits()
	hook, err := newWebhook(o)
	if err != nil {
		return nil, fmt.Errorf("build the public api: %w", err)
	}
	a.mux.HandleFunc("GET "+webhookPath, hook.subscribe)
	a.mux.HandleFunc("POST "+webhookPath, hook.receive)
	if o.Health != nil {
		a.mux.Handle("GET /livez", o.Health)
		a.mux.Handle("GET /readyz", o.Health)
	}
	endpoints, err := a.publishDocs()
	if err != nil {
		return nil, fmt.Errorf("build the public api: %w", err)
	}
	if a.metrics, err = newMetrics(o.Registerer, endpoints); err != nil {
		return nil, fmt.Errorf("build the public api: %w", err)
	}
	if a.limitHits, err = newLimitHits(o.Registerer, o.Labels); err != nil {
		return nil, fmt.Errorf("build the public api: %w", err)
	}
	return http.HandlerFunc(a.serve), nil
}

// check reports every required option that is missing.
func (o Options) check() error {
	var faults []error
	for name, missing := range map[string]bool{
		"Authenticator": o.Authenticator == nil, "Conversations": o.Conversations == nil, "Sends": o.Sends == nil,
		"Spending": o.Spending == nil, "SLA": o.SLA == nil, "Automations": o.Automations == nil,
		"Ingester": o.Ingester == nil, "Webhooks": o.Webhooks == nil, "Limiter": o.Limiter == nil, "Limits": o.Limits == nil,
		"Repeats": o.Repeats == nil, "Logger": o.Logger == nil, "Registerer": o.Registerer == nil,
	} {
		if missing {
			faults = append(faults, fmt.Errorf("option %s is required", name))
		}
	}
	return errors.Join(faults...)
}

// Server returns an http.Server with the limits the public listener needs: a
// client that is slow, silent or sends huge headers cannot hold a connection.
func Server(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}
