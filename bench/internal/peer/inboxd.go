package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
	"github.com/bandeja/inboxd/daemon/internal/worker"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/bench/internal/instance"
	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// Inboxd is a whole worker process of ours, with processors that do nothing. The
// jobs are automations: no limit, as no contender has one.
type Inboxd struct {
	Redis   bool
	Orgs    int  // 0: 20
	History int  // rows of finished jobs that are there before
	Dial    int  // percent by Redis; 0: all
	Cold    bool // Start does not wait for a first job to have run

	orgs   []int64
	pool   *pgxpool.Pool
	redis  *redis.Client
	ledger *ledger.Ledger
	worker *instance.Instance
	quiet  context.CancelFunc // ends the announcements of new jobs
	next   int
}

const inboxdSlots = 4096 // a quarter of them for background queues

// Facts implements Peer.
func (p *Inboxd) Facts() Facts {
	f := Facts{
		Name: "inboxd postgres lane", Version: "this tree", Settings: fmt.Sprintf("%d slots, dial 0, inserted by %d in a transaction", inboxdSlots/4, feedBatch),
		Crash: "durable in PostgreSQL before the 202 and before the slot is free. Worker lost: uncertain or run again within 30 s.",
	}
	if p.Redis {
		f.Name, f.Settings = "inboxd redis lane", fmt.Sprintf("%d slots, dial 100, inserted by %d in a transaction", inboxdSlots/4, feedBatch)
		f.Crash += " Redis lost: nothing but time."
	}
	return f
}

type noop struct{ tally *Tally }

// Process implements worker.Processor.
func (n noop) Process(_ context.Context, c job.Claimed) job.Result {
	n.tally.Ran(c.SubjectID)
	return job.Result{Verdict: job.Succeed}
}

// Start implements Peer.
func (p *Inboxd) Start(ctx context.Context, s *rig.Servers, t *Tally) error {
	if err := p.prepare(ctx, s); err != nil {
		return err
	}
	settings := []string{fmt.Sprintf("INBOXD_SLOTS=%d", inboxdSlots)}
	if p.Redis {
		settings = append(settings, "INBOXD_REDIS_URL="+s.RedisURL, fmt.Sprintf("INBOXD_DIAL=%d", cmp.Or(p.Dial, 100)))
	}
	var err error
	if p.worker, err = instance.Start(ctx, s, instance.Options{
		Mode: "worker", Settings: settings, Processors: map[job.Type]worker.Processor{job.RunAutomation: noop{t}},
	}); err != nil {
		return err
	}
	announcing, quiet := context.WithCancel(context.WithoutCancel(ctx))
	p.quiet = quiet
	go p.ledger.Announce(announcing)
	if p.Cold {
		return nil
	}
	return p.warmUp(ctx, t)
}

// prepare makes the schema, the orgs and what the API's part of the work needs.
func (p *Inboxd) prepare(ctx context.Context, s *rig.Servers) (err error) {
	if err = store.Migrate(ctx, s.DatabaseURL); err != nil {
		return err
	}
	if p.Orgs == 0 {
		p.Orgs = 20
	}
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO orgs (name) SELECT 'org' || i FROM generate_series(1, %d) i ON CONFLICT DO NOTHING`, p.Orgs),
		fmt.Sprintf(`
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, ready_at, started_at, finished_at)
SELECT -i, 1 + i %% %d, 3, 3, 2, 1, 1, 1, 1, t, t, t, t FROM generate_series(1, %d) i, LATERAL (SELECT now() - i * interval '1 s' / 10 AS t) x`, p.Orgs, p.History),
		`VACUUM ANALYZE job_history`, `ANALYZE orgs`, `CHECKPOINT`,
	} {
		if _, err = s.DB.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare the database: %w", err)
		}
	}
	rows, err := s.DB.Query(ctx, `SELECT id FROM orgs ORDER BY id`)
	if err != nil {
		return err
	}
	if p.orgs, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return err
	}
	if p.pool, err = store.Open(ctx, store.PoolOptions{DSN: s.DatabaseURL, MaxConns: 16, Hot: true}); err != nil {
		return err
	}
	p.redis = redis.NewClient(s.Redis)
	p.ledger, err = ledger.New(ledger.Options{Pool: p.pool, Logger: slog.New(slog.DiscardHandler)})
	return err
}

// warmUp returns when a first job has run: the process is up and serves.
func (p *Inboxd) warmUp(ctx context.Context, t *Tally) error {
	ran := t.Goal(1)
	if err := p.Feed(ctx, 1); err != nil {
		return err
	}
	select {
	case <-ran:
		return AwaitSettled(ctx, p)
	case err := <-p.worker.Ended():
		return errors.Join(errors.New("the worker ended"), err)
	case <-ctx.Done():
		return fmt.Errorf("the worker does not begin: %w", ctx.Err())
	}
}

// Feed implements Peer.
func (p *Inboxd) Feed(ctx context.Context, n int) error {
	for n > 0 {
		batch := make([]job.New, min(n, feedBatch))
		for i := range batch {
			batch[i] = p.job(0)
		}
		if err := p.insert(ctx, batch...); err != nil {
			return err
		}
		n -= len(batch)
	}
	return nil
}

func (p *Inboxd) job(at int64) job.New {
	p.next++
	return job.New{
		OrgID: p.orgs[p.next%len(p.orgs)], Queue: job.Automations, Type: job.RunAutomation, Priority: job.Normal, SubjectID: at,
	}
}

func (p *Inboxd) insert(ctx context.Context, jobs ...job.New) error {
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		_, err := p.ledger.Insert(ctx, tx, jobs...)
		return err
	})
	p.ledger.Wake(job.Automations)
	return err
}

// Send implements Peer.
func (p *Inboxd) Send(ctx context.Context, at time.Time) error {
	return p.insert(ctx, job.New{
		OrgID: p.orgs[int(at.UnixMilli())%len(p.orgs)], Queue: job.Automations, Type: job.RunAutomation, Priority: job.Normal, SubjectID: at.UnixNano(),
	})
}

// Settled implements Peer.
func (p *Inboxd) Settled(ctx context.Context) (done bool, err error) {
	err = p.pool.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM jobs WHERE id > 0)`).Scan(&done)
	if err != nil || !done || !p.Redis {
		return done, err
	}
	return redisEmpty(ctx, p.redis, "asynq:{automations}:pending", "asynq:{automations}:active")
}

// PIDs implements Peer.
func (p *Inboxd) PIDs() []int { return nil }

// Stop implements Peer.
func (p *Inboxd) Stop(context.Context) error {
	p.quiet()
	err := p.worker.Stop()
	p.pool.Close()
	return errors.Join(err, p.redis.Close())
}
