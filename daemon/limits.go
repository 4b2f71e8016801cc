package daemon

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/config"
	"github.com/bandeja/inboxd/daemon/internal/httpapi"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/limit"
)

// buildLimiter makes what counts requests and sends against their limits, in
// every mode. It does not connect.
func (d *Daemon) buildLimiter(context.Context) error {
	c := d.o.Config
	var err error
	d.limiter, err = limit.New(limit.Options{
		Address: limit.Address{
			Addrs: c.Redis.Addrs, Master: c.Redis.Master, Username: c.Redis.Username, Password: c.Redis.Password.Reveal(),
			DB: c.Redis.DB, TLS: c.Redis.TLS,
		},
		Seeder: d.ledger, Processes: d.census.alive,
		ChannelRates: map[job.Queue]job.Rate{
			job.WhatsApp:  {N: c.Meta.NumberRate, Window: time.Second},
			job.Instagram: {N: 300, Window: time.Second}, // the messaging API's own limit per account
		},
		PairInterval: c.Meta.PairInterval, PairBurst: c.Meta.PairBurst,
		Logger: d.log, Registerer: d.registry,
	})
	if err != nil {
		return err
	}
	d.stops.push("limits", 0, func(context.Context) error { return d.limiter.Close() })
	return nil
}

const censusEvery = 5 * time.Second

// census knows how many processes of each kind are alive: without Redis they
// share the limits.
type census struct{ apis, workers atomic.Int64 }

// alive counts this process even if it does not know of any.
func (c *census) alive() (apis, workers int) {
	return max(1, int(c.apis.Load())), max(1, int(c.workers.Load()))
}

// count asks the ledger. While the database is away the last answer stands.
func (d *Daemon) count(ctx context.Context) error {
	all, err := d.ledger.Processes(ctx)
	if err != nil {
		return err
	}
	var apis, workers int64
	for _, p := range all {
		d.skew.note(ctx, d.log, d.o.Build.Version, p.Version)
		mode := config.Mode(p.Mode)
		if mode.ServesAPI() {
			apis++
		}
		if mode.RunsJobs() {
			workers++
		}
	}
	d.census.apis.Store(apis)
	d.census.workers.Store(workers)
	return nil
}

// keepLimits prepares the limiter and keeps what it must know.
func (d *Daemon) keepLimits(ctx context.Context) {
	d.limiter.Open(ctx)
	d.loop(ctx, "census", func(ctx context.Context) { d.every(ctx, censusEvery, "census", d.count) })
}

// limiter gives the public API the limiter in its own words.
type limiter struct{ limits *limit.Limiter }

func (l limiter) Allow(ctx context.Context, orgID int64, a job.Action, r job.Rate) httpapi.Verdict {
	return httpapi.Verdict(l.limits.Allow(ctx, orgID, a, r))
}

func (l limiter) Peek(ctx context.Context, orgID int64, a job.Action, r job.Rate) httpapi.Verdict {
	return httpapi.Verdict(l.limits.Peek(ctx, orgID, a, r))
}

// usage gives the admin API the limiter in its own words.
type usage struct{ limits *limit.Limiter }

func (u usage) Accepted(ctx context.Context, orgID int64, a job.Action, r job.Rate) (adminapi.Use, bool) {
	v := u.limits.Peek(ctx, orgID, a, r)
	return adminapi.Use{Used: r.N - v.Remaining, Reset: v.RetryAfter}, !v.Local
}

func (u usage) Sent(ctx context.Context, orgID int64, a job.Action, r job.Rate) (adminapi.Use, bool) {
	used, reset, known := u.limits.PeekOut(ctx, orgID, a, r)
	return adminapi.Use{Used: used, Reset: reset}, known
}

func (l limiter) Refund(ctx context.Context, orgID int64, a job.Action, v httpapi.Verdict) {
	l.limits.Refund(ctx, orgID, a, limit.Verdict(v))
}
