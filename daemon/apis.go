package daemon

import (
	"context"

	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/httpapi"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/meta"
	"github.com/bandeja/inboxd/daemon/internal/notice"
	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/store"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
	"github.com/bandeja/inboxd/daemon/internal/why"
)

// buildAPIs makes the handlers of the public and the admin door.
func (d *Daemon) buildAPIs(context.Context) error {
	c := d.o.Config
	if !c.Mode.ServesAPI() {
		return nil
	}
	if err := d.buildTail(); err != nil {
		return err
	}
	d.punctuality = newPunctuality(d)
	public, err := httpapi.New(httpapi.Options{
		Authenticator: d.store, Conversations: d.store, Sends: d.store, Spending: d.store, SLA: d.store, Automations: d.store, Ingester: d.store,
		Webhooks: webhooks{secret.RevealAll(c.Meta.AppSecrets)},
		Limiter:  limiter{d.limiter}, Limits: d.control.Current, Known: d.control.Known, Repeats: d.store,
		Logger: d.log, Registerer: d.registry, Labels: d.labels(), Tracer: d.tracer, VerifyToken: c.Meta.VerifyToken.Reveal(), Version: d.o.Build.Version,
		Health: telemetry.Probes(d.health),
	})
	if err != nil {
		return err
	}
	d.doors.public.server = httpapi.Server(public, d.log)

	checker, err := meta.NewClient(meta.Options{
		GraphURL: c.Meta.GraphURL, InstagramURL: c.Meta.InstagramURL, Version: c.Meta.GraphVersion,
		AppID: c.Meta.AppID, AppSecrets: secret.RevealAll(c.Meta.AppSecrets),
	})
	if err != nil {
		return err
	}
	d.stops.push("token checks", 0, func(context.Context) error { checker.Close(); return nil })

	explainer, err := why.New(why.Options{Ledger: d.ledger, Limits: d.limiter, Control: d.control.Current, Dial: d.dial})
	if err != nil {
		return err
	}
	announcer, err := d.buildAnnouncer()
	if err != nil {
		return err
	}
	var announcing adminapi.Announcer // nil, and not a nil pointer, where nobody is told
	if announcer != nil {
		announcing = announcer
	}
	admin, err := adminapi.New(adminapi.Options{
		Orgs: d.store, Users: d.store, Channels: d.store, Tokens: tokens{d.store}, Jobs: d.ledger, Latency: d.tail, Failures: d.ledger, Retrier: d.ledger, Control: d.ledger, Recaller: d.ledger,
		Canceller: d.ledger, Resolver: d.ledger, Operations: d.ledger, Explainer: explainer, Life: why.Life, Waiting: d.ledger, Token: d.limiter.Look,
		Trail: d.trail, Revealer: d.store, Registerer: d.registry,
		Drainer: d.ledger, Usage: usage{d.limiter}, History: d.ledger, TokenChecker: checker,
		SLA: d.store, Alerts: d.store, Announcer: announcing,
		Logger: d.log, Version: d.o.Build.Version, Probes: d.probes(),
		Dial: d.dial, Redis: c.Redis.Configured(), Snapshot: d.control.Current, Environment: c.Environment,
		APIURL: d.doors.public.url(), MetricsURL: d.doors.metrics.url() + "/metrics",
	})
	if err != nil {
		return err
	}
	d.watchTop = admin.Watch
	d.announcer = announcer
	d.doors.adminSocket.server = adminapi.NewServer(admin, d.log)
	if d.doors.adminTCP != nil {
		d.doors.adminTCP.server = adminapi.NewServer(admin, d.log)
		return d.doors.adminTCP.certify(c.AdminTLSCert, c.AdminTLSKey)
	}
	return nil
}

// buildAnnouncer returns nil where nobody is told of alerts.
func (d *Daemon) buildAnnouncer() (*notice.Notifier, error) {
	c := d.o.Config.Alert
	if c.WebhookURL == "" {
		return nil, nil //nolint:nilnil // Nobody is told, which is no fault.
	}
	return notice.New(notice.Options{
		URL: c.WebhookURL.Reveal(), Header: c.WebhookHeader.Reveal(), Repeat: c.Repeat, Book: d.store, Environment: d.o.Config.Environment,
		Logger: d.log, Registerer: d.registry,
	})
}

// probes are what status asks of the outside.
func (d *Daemon) probes() []adminapi.Probe {
	p := []adminapi.Probe{{Name: "postgres", Check: d.ledger.Healthy}}
	if d.engine.remote != nil {
		p = append(p, adminapi.Probe{Name: "redis", Check: d.engine.remote.Ping})
	}
	return p
}

// sealer encrypts channel tokens. A worker only reads them, with the same keys.
func (d *Daemon) sealer() (*secret.Sealer, error) {
	return secret.NewSealer(secret.RevealAll(d.o.Config.SecretKeys))
}

// webhooks gives the public API the provider's dialect.
type webhooks struct{ secrets []string }

func (w webhooks) Verify(signature string, body []byte) bool {
	return meta.VerifySignature(w.secrets, signature, body)
}

func (w webhooks) Parse(body []byte) inbox.Batch { return meta.Parse(body) }

// tokens gives the admin API the store's tokens in its own words.
type tokens struct{ *store.Store }

func (t tokens) CreateToken(ctx context.Context, n adminapi.NewToken) (int64, string, error) {
	return t.Store.CreateToken(ctx, store.NewToken(n))
}

func (t tokens) AuthenticateAdmin(ctx context.Context, clear string) (adminapi.Principal, error) {
	p, err := t.Store.AuthenticateAdmin(ctx, clear)
	return adminapi.Principal(p), err
}
