// Package notice tells people of alerts: it posts a message to a webhook when one
// begins, when it is over, and now and then while nobody is at it. It owns the
// message and the call; it refuses to decide what is wrong, and who of several
// processes speaks: the book says that.
package notice

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Book hands out what is to be announced, to one process at a time.
type Book interface {
	ClaimNotices(ctx context.Context, pace inbox.NoticePace) (inbox.Notices, error)
	NoticesTold(ctx context.Context, n inbox.Notices, between time.Duration) error
	NoticesFailed(ctx context.Context, n inbox.Notices, wait, backoff time.Duration) error
}

// Options are what a Notifier needs. All down to Logger are required.
type Options struct {
	URL    string // of the webhook; a secret
	Book   Book
	Logger *slog.Logger

	Header      string // "Name: value" of every call, a secret; empty: none
	Repeat      time.Duration
	Environment string // of the installation; may be empty
	Registerer  prometheus.Registerer
	Now         func() time.Time // nil: time.Now

	Every time.Duration // between two looks; 0: 5 s
	Wait  time.Duration // after the first of several alerts; 0: 5 s
	Pause time.Duration // between two messages; 0: 30 s
	Call  time.Duration // for one call; 0: 10 s
	First time.Duration // of the back-off; 0: 5 s
}

// Notifier announces alerts. It is safe for concurrent use.
type Notifier struct {
	o     Options
	hook  *webhook
	pace  inbox.NoticePace
	posts *prometheus.CounterVec

	mu   sync.Mutex
	away []inbox.Alert          // what is wrong while the database does not answer
	told map[string]inbox.Alert // what this process has announced alone
	next time.Time              // not alone before
}

const (
	defaultEvery = 5 * time.Second
	bookTime     = 3 * time.Second
)

// New returns a Notifier, or an error that says what is wrong with the webhook.
func New(o Options) (*Notifier, error) {
	if o.URL == "" || o.Book == nil || o.Logger == nil {
		return nil, errors.New("notice: URL, Book and Logger are required")
	}
	for _, d := range []struct {
		of    *time.Duration
		other time.Duration
	}{{&o.Every, defaultEvery}, {&o.Wait, 5 * time.Second}, {&o.Pause, 30 * time.Second}, {&o.Call, 10 * time.Second}, {&o.First, 5 * time.Second}, {&o.Repeat, 4 * time.Hour}} {
		if *d.of == 0 {
			*d.of = d.other
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	hook, err := newWebhook(o.URL, o.Header, o.Call)
	if err != nil {
		return nil, err
	}
	n := &Notifier{
		o: o, hook: hook, told: map[string]inbox.Alert{},
		pace: inbox.NoticePace{Repeat: o.Repeat, Wait: o.Wait, Between: o.Pause, Lease: o.Call + 20*time.Second, Backoff: o.First},
		posts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_alert_posts_total", Help: "Messages about alerts to the webhook by what became of them.",
		}, []string{"outcome"}),
	}
	for _, outcome := range []string{"sent", "failed"} {
		n.posts.WithLabelValues(outcome)
	}
	if o.Registerer == nil {
		return n, nil
	}
	return n, o.Registerer.Register(n.posts)
}

// Run announces until ctx ends. Nothing waits for it. It calls tick after every
// turn, which ends whatever the book and the webhook do.
func (n *Notifier) Run(ctx context.Context, tick func()) {
	t := time.NewTicker(n.o.Every)
	defer t.Stop()
	for {
		n.turn(ctx)
		tick()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func (n *Notifier) turn(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, bookTime)
	due, err := n.o.Book.ClaimNotices(asking, n.pace)
	cancel()
	switch {
	case err != nil:
		n.alone(ctx)
	case due.Claim != 0:
		n.announce(ctx, due)
	}
}

// announce makes one try: whoever is next makes another. Between a call that has
// arrived and the note of it a process may die: then it is said twice, because an
// alert that nobody hears of is worse.
func (n *Notifier) announce(ctx context.Context, due inbox.Notices) {
	err := n.post(ctx, due)
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookTime)
	defer cancel()
	if err == nil {
		err = n.o.Book.NoticesTold(noting, due, n.pace.Between)
	} else {
		err = errors.Join(err, n.o.Book.NoticesFailed(noting, due, retryAfter(err), n.pace.Backoff))
	}
	if err != nil {
		n.o.Logger.ErrorContext(ctx, "alerts were not announced, or that was not noted; it is tried again", "count", len(due.Firing)+len(due.Over), "error", err)
	}
}

func (n *Notifier) post(ctx context.Context, due inbox.Notices) error {
	err := n.hook.post(ctx, message(due, n.o.Environment, n.o.Now()))
	if err != nil {
		n.posts.WithLabelValues("failed").Inc()
		return err
	}
	n.posts.WithLabelValues("sent").Inc()
	return nil
}

// Test sends a message that nothing is wrong and returns the host it went to.
func (n *Notifier) Test(ctx context.Context) (host string, err error) {
	return n.hook.host, n.hook.post(ctx, testMessage(n.o.Environment))
}
