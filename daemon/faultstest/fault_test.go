package faultstest_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// kind is one sort of fault, as the table names it.
type kind string

const (
	workerKilled     kind = "worker killed (kill -9)"
	apiKilled        kind = "api killed (kill -9)"
	redisKilled      kind = "Redis killed (kill -9), back empty"
	redisFlushed     kind = "Redis emptied (FLUSHALL)"
	leasesLost       kind = "asynq leases lost or expired"
	postgresCrashed  kind = "PostgreSQL stopped (immediate), back"
	postgresReadOnly kind = "PostgreSQL read-only"
	postgresDemoted  kind = "PostgreSQL read-only for 20 s"
	workerFrozen     kind = "worker frozen (SIGSTOP)"
	workerCutOff     kind = "worker cut off from PostgreSQL for long"
	redisSilent      kind = "Redis silent for one process"
	postgresSilent   kind = "PostgreSQL silent for one process"
	slowed           kind = "network slow for one process"
	postgresReply    kind = "reply of PostgreSQL lost"
	redisReply       kind = "reply of Redis lost"
)

// kinds is the order of the table.
func kinds() []kind {
	return []kind{
		workerKilled, apiKilled, redisKilled, redisFlushed, leasesLost, postgresCrashed, postgresReadOnly,
		postgresDemoted,
		workerFrozen, workerCutOff, redisSilent, postgresSilent, slowed, postgresReply, redisReply,
	}
}

// strike is one fault as it happens: it begins and ends the fault and returns
// how to see when its effects are over.
type strike func(ctx context.Context, dice *rand.Rand) (recovery, error)

// recovery waits for the end of a fault's effects and returns it and the
// moment it counts from. A zero end: there was nothing to recover.
type recovery func(ctx context.Context) (from, to time.Time, err error)

// round is one fault that has happened.
type round struct {
	kind      kind
	began     time.Time
	over      time.Time     // of its effects; zero: they were not over in time
	took      time.Duration // of the recovery; 0: nothing to recover
	disturbed bool          // another fault was in between: the time says nothing
	err       error
}

func (r *rig) strikes() map[kind]strike {
	return map[kind]strike{
		workerKilled: r.killWorker, apiKilled: r.killAPI, redisKilled: r.killRedis, redisFlushed: r.flushRedis,
		leasesLost: r.loseLeases, postgresCrashed: r.crashPostgres, postgresReadOnly: r.freezeWrites, postgresDemoted: r.demote,
		workerFrozen: r.freezeWorker, workerCutOff: r.cutOff, redisSilent: r.silenceRedis, postgresSilent: r.silencePostgres,
		slowed: r.slowDown, postgresReply: r.losePostgresReply, redisReply: r.loseRedisReply,
	}
}

func (r *rig) killWorker(ctx context.Context, dice *rand.Rand) (recovery, error) {
	pid, err := r.workers[dice.IntN(len(r.workers))].kill(ctx)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	lost, err := r.snapshot(ctx, heldBySQL, pid)
	rec := r.underWay(at, lost)
	if !slices.ContainsFunc(lost, func(c copyOf) bool { return c.Ran }) {
		rec = untimed(rec) // it was idle: what it took with it is no measure
	}
	return rec, err
}

// untimed waits for a recovery that says nothing.
func untimed(rec recovery) recovery {
	return func(ctx context.Context) (time.Time, time.Time, error) {
		from, _, err := rec(ctx)
		return from, time.Time{}, err
	}
}

func (r *rig) killAPI(ctx context.Context, _ *rand.Rand) (recovery, error) {
	if _, err := r.api.kill(ctx); err != nil {
		return nil, err
	}
	at := time.Now()
	return func(ctx context.Context) (time.Time, time.Time, error) {
		c := client(time.Second)
		defer c.CloseIdleConnections()
		err := untilDone(ctx, func(ctx context.Context) error {
			return get(ctx, c, r.base+"/v1/conversations?limit=1", r.orgs[0].agent)
		})
		return at, time.Now(), err
	}, nil
}

// freezeWorker stops a worker for 5 to 30 seconds: others may declare it dead,
// and then it must not send any more.
func (r *rig) freezeWorker(ctx context.Context, dice *rand.Rand) (recovery, error) {
	at, victim := time.Now(), r.workers[dice.IntN(len(r.workers))]
	pid, err := victim.freeze(ctx, between(dice, 5*time.Second, 30*time.Second))
	if err != nil {
		return nil, err
	}
	left, err := r.snapshot(ctx, heldBySQL, pid)
	return r.underWay(at, left), err
}

// unfinished is the recovery of all that is not under way now.
func (r *rig) unfinished(ctx context.Context) (recovery, error) {
	at := time.Now()
	left, err := r.snapshot(ctx, waitingSQL)
	return r.underWay(at, left), err
}

func between(dice *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(dice.Int64N(int64(most-least)))
}
