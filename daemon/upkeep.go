package daemon

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/meta"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

const periodicEvery = 30 * time.Second

// upkeep is the work that nobody asks for: ad spend is synced every hour,
// tokens are renewed in time. Every worker looks for what is due; the database
// sees to it that each period has one job.
type upkeep struct {
	d        *Daemon
	facebook bool // the token endpoints know our app

	rows     *prometheus.CounterVec
	renewals *prometheus.CounterVec
	expiring *prometheus.GaugeVec
}

func newUpkeep(d *Daemon, client *meta.Client) *upkeep {
	u := &upkeep{
		d: d, facebook: client.ManagesTokens(),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_spend_rows_total", Help: "Campaign days of ad spend by what became of them.",
		}, []string{"result"}),
		renewals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_token_renewals_total", Help: "Channel tokens renewed.",
		}, []string{"token_kind"}),
		expiring: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inboxd_tokens_expiring", Help: "Channel tokens that expire within this time, expired ones included.",
		}, []string{"within"}),
	}
	for _, result := range []string{"written", "zeroed", "refused"} {
		u.rows.WithLabelValues(result)
	}
	for _, kind := range inbox.TokenKinds() {
		u.renewals.WithLabelValues(string(kind))
	}
	for _, within := range []string{"7d", "1d"} {
		u.expiring.WithLabelValues(within)
	}
	d.registry.MustRegister(u.rows, u.renewals, u.expiring)
	return u
}

func (u *upkeep) spend(client *meta.Client) *worker.Spend {
	return &worker.Spend{
		Book: u.d.store, Insights: client, Pauser: u.d.store, Now: time.Now, Logger: u.d.log,
		Applied: func(done inbox.SpendApplied) {
			u.rows.WithLabelValues("written").Add(float64(done.Written))
			u.rows.WithLabelValues("zeroed").Add(float64(done.Zeroed))
			u.rows.WithLabelValues("refused").Add(float64(done.Refused))
		},
	}
}

func (u *upkeep) refresh(client *meta.Client) *worker.Refresh {
	return &worker.Refresh{
		Tokens: u.d.store, Gate: u.d.store, Renewer: client, Pauser: u.d.store, Now: time.Now, Logger: u.d.log,
		Renewed: func(kind inbox.TokenKind) { u.renewals.WithLabelValues(string(kind)).Inc() },
	}
}

// run looks for what is due until ctx ends.
func (u *upkeep) run(ctx context.Context) {
	u.d.every(ctx, cmp.Or(u.d.o.Every, periodicEvery), "periodic work", func(ctx context.Context) error {
		_, spend := u.d.store.EnqueueSpend(ctx)
		_, refresh := u.d.store.EnqueueRefreshes(ctx, u.facebook)
		return errors.Join(spend, refresh, u.alert(ctx))
	})
}

// alert says of each token once a week and once a day before it expires that it
// has not been renewed.
func (u *upkeep) alert(ctx context.Context) error {
	alerts, err := u.d.store.AlertTokens(ctx)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		log := u.d.log.With("org_id", a.Org, "channel", a.ChannelID, "channel_type", string(a.Kind), "token_expires_at", a.ExpiresAt)
		if a.Urgent {
			log.ErrorContext(ctx, "access token expires within a day: give the channel a new one")
			continue
		}
		log.WarnContext(ctx, "access token expires within seven days and is not renewed yet")
	}
	week, day, err := u.d.store.ExpiringTokens(ctx)
	u.expiring.WithLabelValues("7d").Set(float64(week))
	u.expiring.WithLabelValues("1d").Set(float64(day))
	return err
}
