// Package adminapi serves the operator contract of package admin: it decides
// who may call what, checks input, asks the store and the ledger through the
// interfaces below, and puts the answer on the wire. It refuses SQL, and holds
// no rule of the inbox or the engine.
package adminapi

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// Orgs keeps the tenants.
type Orgs interface {
	CreateOrg(ctx context.Context, org inbox.Org) (inbox.Org, error)
	Orgs(ctx context.Context) ([]inbox.Org, error)
	// OrgsOf returns those with these ids, OrgsAfter by name the first after a name
	// that begin with prefix, without those with ids.
	OrgsOf(ctx context.Context, ids []int64) ([]inbox.Org, error)
	OrgsAfter(ctx context.Context, name, prefix string, without []int64, limit int) ([]inbox.Org, error)
	OrgByName(ctx context.Context, name string) (inbox.Org, error)
	UpdateOrg(ctx context.Context, id int64, change func(*inbox.Org) error) (before, after inbox.Org, err error)
}

// Users keeps the agents. orgID 0 means all orgs.
type Users interface {
	CreateUser(ctx context.Context, orgID int64, name string) (inbox.User, error)
	Users(ctx context.Context, orgID int64) ([]inbox.User, error)
}

// Channels keeps the accounts at Meta. orgID 0 means all orgs.
type Channels interface {
	CreateChannel(ctx context.Context, c inbox.Channel, token string) (inbox.Channel, error)
	Channels(ctx context.Context, orgID int64) ([]inbox.Channel, error)
	// SetChannelState and SetChannelToken return the control version under which
	// the change holds.
	SetChannelState(ctx context.Context, orgID, id int64, state inbox.ChannelState) (inbox.Channel, int64, error)
	SetChannelToken(ctx context.Context, orgID, id int64, token string) (inbox.Channel, int64, error)
	// ChannelUse counts what depends on a channel; RemoveChannel refuses while
	// there are unfinished jobs.
	ChannelUse(ctx context.Context, orgID, id int64) (unfinished, conversations int64, err error)
	RemoveChannel(ctx context.Context, orgID, id int64, why string) (version int64, err error)
}

// Tokens makes and checks credentials.
type Tokens interface {
	CreateToken(ctx context.Context, t NewToken) (id int64, clear string, err error)
	// AuthenticateAdmin returns an Unauthorized fault for anything but a live
	// admin token.
	AuthenticateAdmin(ctx context.Context, clear string) (Principal, error)
	// Tokens and Token never hold the secret; orgID 0 means all orgs.
	Tokens(ctx context.Context, orgID int64) ([]inbox.Token, error)
	Token(ctx context.Context, orgID, id int64) (inbox.Token, error)
	RevokeToken(ctx context.Context, orgID, id int64) (inbox.Token, error)
}

// Jobs answers questions about the engine. orgID 0 means all orgs.
type Jobs interface {
	QueueSummary(ctx context.Context, orgID int64) ([]inspect.Queue, error)
	Processes(ctx context.Context) ([]inspect.Process, error)
	// ReadyByType counts an org's ready jobs, and those of it that are under way.
	ReadyByType(ctx context.Context, orgID int64) (ready map[job.Type]int64, underWay int64, err error)
	JobList(ctx context.Context, f inspect.Filter) ([]inspect.Job, error)
	Job(ctx context.Context, orgID, id int64) (inspect.Detail, error)
	JobCount(ctx context.Context, f inspect.Filter, by inspect.By) ([]inspect.Count, error)
	OrgLoads(ctx context.Context, orgID int64) ([]inspect.OrgLoad, error)
}

// Failures tells what goes wrong: all together, and as it happens.
type Failures interface {
	ErrorGroups(ctx context.Context, f inspect.Filter) ([]inspect.Group, error)
	// Feed returns what has happened since a cursor, oldest first, and the cursor to
	// go on with.
	Feed(ctx context.Context, from inspect.FeedCursor, f inspect.FeedFilter) ([]inspect.Event, inspect.FeedCursor, error)
	Past(ctx context.Context, f inspect.PastFilter) ([]inspect.Event, error)
}

// Explainer says what holds a job. orgID 0 means any org.
type Explainer interface {
	Why(ctx context.Context, orgID, id int64) (inspect.Why, error)
}

// Latency tells how long work takes.
type Latency interface {
	// Latency returns a Temporary fault until it knows.
	Latency(ctx context.Context, q latency.Query) (latency.Answer, error)
}

// Retrier revives dead jobs.
type Retrier interface {
	DeadByOrg(ctx context.Context, f inspect.Filter) ([]inspect.OrgCount, error)
	RetryDead(ctx context.Context, f inspect.Filter, by string) (int, error)
}

// Control keeps what operators set. Every change returns the version under which
// it holds; Acks says who has applied one.
type Control interface {
	LoadControl(ctx context.Context) (*control.Snapshot, error)
	AddHold(ctx context.Context, h control.Hold, lasts time.Duration) (control.Hold, int64, error)
	ReleaseHolds(ctx context.Context, ids []int64, by string) ([]control.Hold, int64, error)
	SetLimits(ctx context.Context, limits []control.Limit, lasts time.Duration) (int64, error)
	ResetLimits(ctx context.Context, r control.LimitReset) (int, int64, error)
	SetDial(ctx context.Context, q job.Queue, dial int, by string) (int64, error)
	Acks(ctx context.Context, version int64) ([]control.Ack, error)
}

// Recaller calls back jobs that are on their way: those an active hold covers,
// and those of a queue that its dial no longer lets travel by Redis.
type Recaller interface {
	RecallHeld(ctx context.Context) (int, error)
	RecallDial(ctx context.Context, q job.Queue, dial int) (int, error)
}

// Canceller ends jobs that wait and flags running ones. The filter's states
// narrow; uncertain and dead jobs are never touched.
type Canceller interface {
	CountCancellable(ctx context.Context, f inspect.Filter) ([]inspect.OrgCount, error)
	Cancel(ctx context.Context, f inspect.Filter, by string) (cancelled, flagged int, err error)
}

// Resolver settles an uncertain job and returns the word of its new state or
// outcome. orgID 0 means any org.
type Resolver interface {
	Resolve(ctx context.Context, orgID, jobID int64, how inspect.Resolution, by string) (state string, err error)
}

// NewToken is a credential to make. Role is empty for an API token; ExpiresAt
// zero means never.
type NewToken struct {
	OrgID, UserID int64
	Role          string
	ExpiresAt     time.Time
}

// Principal is whom an admin token speaks for. OrgID 0 means all orgs.
type Principal struct {
	TokenID int64
	Role    string
	OrgID   int64
}

// Probe asks something the daemon depends on whether it answers.
type Probe struct {
	Name  string // postgres, redis
	Check func(ctx context.Context) error
}

// Options are what the admin API needs. All down to Version are required.
type Options struct {
	Orgs     Orgs
	Users    Users
	Channels Channels
	Tokens   Tokens
	Jobs     Jobs
	Failures Failures
	Latency  Latency
	Retrier  Retrier
	Control  Control
	Recaller Recaller
	Logger   *slog.Logger
	Version  string

	Trail        Trail                                                  // nil: the audit trail cannot be read here
	Revealer     Revealer                                               // nil: nothing is revealed here
	Registerer   prometheus.Registerer                                  // nil: metrics are kept but not exposed
	Canceller    Canceller                                              // nil: jobs cannot be cancelled here
	Resolver     Resolver                                               // nil: jobs cannot be resolved here
	Operations   Operations                                             // nil: there are none here
	Explainer    Explainer                                              // nil: jobs cannot be explained here
	Waiting      Waiting                                                // nil: who waits for a token is not known
	Token        func(ctx context.Context, w job.Want) job.Grant        // says when there is one, and takes none; nil: not known
	Life         func(d inspect.Detail, now time.Time) []inspect.Moment // tells a job's life; nil: nobody does
	Drainer      Drainer                                                // nil: workers cannot be drained here
	Usage        Usage                                                  // nil: how much of a limit is in use is not known
	History      History                                                // nil: no history of limits is kept
	TokenChecker TokenChecker                                           // nil: tokens of channels are not checked
	SLA          SLA                                                    // nil: there are no figures here
	Alerts       Alerts                                                 // nil: alerts are this process's own, and cannot be marked
	Announcer    Announcer                                              // nil: nobody is told of alerts
	Probes       []Probe
	Dial         func(job.Queue) int      // percent by Redis now; nil: not known
	Redis        bool                     // whether one is configured
	Snapshot     func() *control.Snapshot // this process's copy; nil: marks are not known
	Environment  string                   // badge of this deployment; may be empty
	APIURL       string                   // of the public API; empty: not known
	MetricsURL   string                   // with /metrics; empty: not known
	Now          func() time.Time         // nil: time.Now
	Recheck      time.Duration            // between two looks at the token of a long call; 0: 4 s
}

type handler struct {
	Options

	logins   *lockout
	metrics  *metrics
	mux      *http.ServeMux
	openAPI  []byte
	status   *board
	tops     *tops
	book     *alertBook
	names    *names
	topSeats seats
	feed     *feed
}

// New returns the handler of everything under /admin/v1. It must be served by a
// server made with NewServer: without its ConnContext every caller needs a
// token.
func New(o Options) (*Handler, error) {
	if o.Orgs == nil || o.Users == nil || o.Channels == nil || o.Tokens == nil || o.Jobs == nil || o.Latency == nil || o.Failures == nil || o.Retrier == nil ||
		o.Control == nil || o.Recaller == nil || o.Logger == nil || o.Version == "" {
		return nil, errors.New("adminapi: Orgs, Users, Channels, Tokens, Jobs, Latency, Failures, Retrier, Control, Recaller, Logger and Version are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Recheck = cmp.Or(o.Recheck, recheckEvery)
	h := &handler{Options: o, mux: http.NewServeMux()}
	h.status = newBoard(h)
	h.feed = newFeed(h)
	h.book, h.names = newAlertBook(h), &names{orgs: o.Orgs}
	h.tops = &tops{h: h, at: map[int64]*collector{}}
	h.logins = newLockout(o.Now)
	var err error
	if h.metrics, err = newMetrics(o.Registerer); err != nil {
		return nil, err
	}
	routes := h.routes()
	document, err := openAPI(o.Version, routes)
	if err != nil {
		return nil, err
	}
	h.openAPI = document
	for _, rt := range routes {
		h.mux.Handle(rt.method+" "+rt.path, h.serve(rt))
	}
	h.mux.HandleFunc("/", h.unknown)
	return &Handler{http.HandlerFunc(h.enter), h}, nil
}

// NewServer returns the server a listener for handler needs: limits against
// slow and large requests, and the peer of a unix socket. It has no write
// timeout because live views stay open; handlers bound their own work.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	stop := make(chan struct{})
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withPeer,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), stoppingKey{}, stop)
		},
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	s.RegisterOnShutdown(sync.OnceFunc(func() { close(stop) }))
	return s
}

func one[T any](h *handler, kind string, item T) admin.One[T] {
	return admin.One[T]{Kind: kind, Item: item, AsOf: h.Now().UTC()}
}

func list[T any](h *handler, kind string, items []T) admin.List[T] {
	if items == nil {
		items = []T{}
	}
	return admin.List[T]{Kind: kind, Items: items, AsOf: h.Now().UTC()}
}
