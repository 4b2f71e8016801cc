package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// clock is a hand-moved clock.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// A worker that dies holding jobs: its sends become uncertain (never re-sent by
// themselves), everything else runs again, other workers' jobs are untouched.
func TestDeathOfAWorker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	send := b.add(t, job.New{SubjectID: 77})[0]
	b.take(t, 1)
	refresh := b.add(t, job.New{Type: job.RefreshToken, Queue: job.TokenRefresh})[0]
	_, err := b.Take(t.Context(), job.Pick{Queue: job.TokenRefresh, Type: job.RefreshToken, DialTo: 100, Shares: []job.Share{{OrgID: 1, Limit: 1}}}, b.w1)
	require.NoError(t, err)
	b.add(t, job.New{SerialKey: 5})
	alive, err := b.Take(t.Context(), all(1), b.w2)
	require.NoError(t, err)

	c := &clock{t: time.Now()}
	r := b.NewReconciler(ledger.ReconcilerOptions{Now: c.now})
	for range 12 {
		require.NoError(t, b.Beat(t.Context(), b.w2))
		require.NoError(t, r.Round(t.Context()))
		c.add(2 * time.Second)
	}
	require.Equal(t, job.Uncertain, b.state(t, send))
	require.Equal(t, job.Ready, b.state(t, refresh))
	require.Equal(t, job.Running, b.state(t, alive[0].ID))
	require.ErrorIs(t, b.Beat(t.Context(), b.w1), ledger.ErrDeclaredDead, "the dead are told")
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM job_events WHERE job_id = $1 AND kind = 3`, send))
	effects := b.effects.of(send)
	require.Len(t, effects, 1)
	require.Equal(t, inbox.Uncertain, effects[0].Status)
	require.Equal(t, int64(77), effects[0].MessageID)

	found, err := b.Orphans(t.Context())
	require.NoError(t, err)
	require.Zero(t, found, "a second look finds nothing new")
}

// After an outage of the database every beat looks old; nobody may be declared
// dead for that, nor for a pause of the observer itself.
func TestOutageIsNoDeath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := &clock{t: time.Now()}
	r := b.NewReconciler(ledger.ReconcilerOptions{Now: c.now})
	rounds := func(ctx context.Context, n int) (err error) {
		for range n {
			err = r.Round(ctx)
			c.add(2 * time.Second)
		}
		return err
	}
	require.NoError(t, rounds(t.Context(), 9))
	away, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, rounds(away, 1))
	require.NoError(t, rounds(t.Context(), 9))
	c.add(time.Minute)
	require.NoError(t, rounds(t.Context(), 9))
	beats, err := b.Beats(t.Context())
	require.NoError(t, err)
	require.Len(t, beats, 2)
	require.NoError(t, rounds(t.Context(), 2))
	beats, err = b.Beats(t.Context())
	require.NoError(t, err)
	require.Empty(t, beats, "twenty seconds watched without a gap are enough")
}

// A stall of writes freezes every beat, one's own included: nobody may judge
// then, and nobody ever judges itself.
func TestFrozenWritesAreNoDeath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := &clock{t: time.Now()}
	age := 6 * time.Second
	r := b.NewReconciler(ledger.ReconcilerOptions{Now: c.now, Self: b.w1, BeatAge: func() time.Duration { return age }})
	rounds := func() {
		for range 12 {
			require.NoError(t, r.Round(t.Context()))
			c.add(2 * time.Second)
		}
	}
	rounds()
	beats, err := b.Beats(t.Context())
	require.NoError(t, err)
	require.Len(t, beats, 2, "the observer cannot beat either")
	age = time.Second
	rounds()
	beats, err = b.Beats(t.Context())
	require.NoError(t, err)
	require.Contains(t, beats, b.w1, "itself")
	require.NotContains(t, beats, b.w2)
}

func TestStaleHandOutIsRecalled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	added := b.add(t, job.New{}, job.New{})
	b.dispatch(t, 2)
	b.exec(t, `UPDATE jobs SET dispatched_at = now() - interval '31 s' WHERE id = $1`, added[0])
	require.NoError(t, b.NewReconciler(ledger.ReconcilerOptions{}).Round(t.Context()))
	require.Equal(t, job.Ready, b.state(t, added[0]))
	require.Equal(t, job.Dispatched, b.state(t, added[1]))
}

// fakeRedis is the mark in a data set that can be lost.
type fakeRedis struct {
	mark string
	err  error
}

func (f *fakeRedis) Generation(context.Context) (string, error) { return f.mark, f.err }
func (f *fakeRedis) Mark(_ context.Context, m string) error     { f.mark = m; return f.err }

// Redis may lose everything at any moment: what was on its way is ready again
// within one round; Redis merely being away recalls nothing.
func TestRedisLoss(t *testing.T) {
	t.Parallel()
	b := setup(t)
	remote, marks := &fakeRedis{}, 0
	r := b.NewReconciler(ledger.ReconcilerOptions{Remote: remote, NewMark: func() string { marks++; return fmt.Sprint("g", marks) }})
	require.NoError(t, r.Round(t.Context()))
	require.Equal(t, "g1", remote.mark)
	id := b.add(t, job.New{})[0]
	b.dispatch(t, 1)
	require.NoError(t, r.Round(t.Context()))
	require.Equal(t, job.Dispatched, b.state(t, id))
	remote.err = context.DeadlineExceeded
	require.NoError(t, r.Round(t.Context()))
	require.Equal(t, job.Dispatched, b.state(t, id))
	remote.err, remote.mark = nil, ""
	require.NoError(t, r.Round(t.Context()))
	require.Equal(t, job.Ready, b.state(t, id))
	require.Equal(t, "g2", remote.mark)
}

// A claim whose answer got lost on the way would stay running for ever in a
// worker that does not know of it.
func TestStraysAreReleased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	added := b.add(t, job.New{}, job.New{}, job.New{})
	got := b.take(t, 3)
	b.exec(t, `UPDATE jobs SET started_at = now() - interval '1 min' WHERE id = ANY($1)`, added[:2])
	n, err := b.ReleaseStrays(t.Context(), b.w1, 10*time.Second, func(tk job.Ticket) bool { return tk.ID == got[1].ID })
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, job.Ready, b.state(t, added[0]))
	require.Equal(t, job.Running, b.state(t, added[1]))
	require.Equal(t, job.Running, b.state(t, added[2]))
	require.Zero(t, b.count(t, `SELECT attempt FROM jobs WHERE id = $1`, added[0]))
}

func TestSettleAndRevive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	added := b.add(t, job.New{}, job.New{}, job.New{})
	b.take(t, 3)
	b.exec(t, `UPDATE jobs SET state = 4 WHERE id = $1`, added[0])
	b.exec(t, `UPDATE jobs SET state = 6, attempt = 5 WHERE id = $1`, added[2])
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	done, err := b.Settle(t.Context(), tx, []job.Settlement{{ID: added[0]}, {ID: added[1], Epoch: 1}, {ID: added[2]}, {ID: 424242}})
	require.NoError(t, err)
	require.ElementsMatch(t, []job.Settled{{ID: added[0], Attempt: 1}, {ID: added[1], Attempt: 1}}, done)
	ok, err := b.Revive(t.Context(), tx, 1, added[2])
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = b.Revive(t.Context(), tx, 1, added[0])
	require.NoError(t, err)
	require.False(t, ok, "only the dead are revived")
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, inHistory, b.state(t, added[0]))
	require.Equal(t, job.Ready, b.state(t, added[2]))
	require.Zero(t, b.count(t, `SELECT attempt FROM jobs WHERE id = $1`, added[2]))
}

// A word about one attempt must not end another: its outcome would be lost, and
// the message sent once more.
func TestSettleMeansOneAttempt(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		arrange string
		epoch   int32
		settles bool
	}{
		{"Running", ``, 2, true},
		{"AnOlderAttempt", ``, 1, false},
		{"ANewerAttempt", ``, 3, false},
		{"Any", ``, 0, true},
		{"WaitingForTheNext", `state = 0`, 2, true},
		{"OnItsWayToTheNext", `state = 2, epoch = 3`, 2, true},
		{"InDoubt", `state = 4`, 2, true},
		{"GivenBack", `state = 1, attempt = 0`, 2, false},
		{"GivenBackButOut", `state = 1, attempt = 0`, 0, true},
		{"Dead", `state = 6`, 2, false},
		{"DeadButOut", `state = 6`, 0, false},
	}
	b := setup(t)
	for _, c := range cases {
		id := b.add(t, job.New{})[0]
		b.exec(t, `UPDATE jobs SET state = 3, epoch = 2, run_epoch = 2, attempt = 2 WHERE id = $1`, id)
		if c.arrange != "" {
			b.exec(t, `UPDATE jobs SET `+c.arrange+` WHERE id = $1`, id)
		}
		var done []job.Settled
		require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) (err error) {
			done, err = b.Settle(t.Context(), tx, []job.Settlement{{ID: id, Epoch: c.epoch}})
			return err
		}))
		require.Equal(t, c.settles, len(done) == 1, c.name)
		require.Equal(t, c.settles, b.state(t, id) == inHistory, c.name)
	}
}

// A revived job of a type that may take days gets those days.
func TestReviveGivesTheTypesOwnTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{Queue: job.TokenRefresh, Type: job.RefreshToken})[0]
	b.exec(t, `UPDATE jobs SET state = 6, throttled = 3, deadline_at = now() WHERE id = $1`, id)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		ok, err := b.Revive(t.Context(), tx, 1, id)
		require.True(t, ok)
		return err
	}))
	require.Equal(t, 1, b.count(t, `
SELECT count(*) FROM jobs WHERE id = $1 AND throttled = 0 AND deadline_at > clock_timestamp() + interval '6 days 23 hours'`, id))
}

// A lost notification costs a poll; a delivered one wakes at once, also from
// another process.
func TestWakeReachesListeners(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other, err := ledger.New(ledger.Options{Pool: b.pool, Effects: b.effects, Logger: discard()})
	require.NoError(t, err)
	bell := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.Listen(ctx, bell); close(done) }()
	announced := make(chan struct{})
	go func() { other.Announce(ctx); close(announced) }()
	defer func() { cancel(); <-done; <-announced }()
	receive := func() {
		select {
		case <-bell:
		case <-time.After(patience):
			t.Fatal("nobody was woken")
		}
	}
	receive() // connected
	other.Wake(job.WhatsApp)
	receive()
}

func TestPartitionsAreMadeAhead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now()
	require.NoError(t, b.Partitions(t.Context(), now))
	require.NoError(t, b.Partitions(t.Context(), now), "again is fine")
	require.Equal(t, 16, b.count(t, `SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE c.relname ~ '^job_(history|events)_[0-9]{8}$'`))
	b.add(t, job.New{})
	c := b.take(t, 1)[0]
	_, err := b.committer(t, b.w1).Finish(t.Context(), c, job.Result{Verdict: job.Succeed})
	require.NoError(t, err)
	require.Zero(t, b.count(t, `SELECT count(*) FROM job_history_default`))

	require.NoError(t, b.DropOldPartitions(t.Context(), now.AddDate(0, 0, 90), 90))
	require.Equal(t, inHistory, b.state(t, c.ID), "ninety days are kept")
	require.NoError(t, b.DropOldPartitions(t.Context(), now.AddDate(0, 0, 91), 90))
	require.NotEqual(t, inHistory, b.state(t, c.ID))
}

// Somebody's open transaction on one message must not keep the jobs of all other
// orgs from being taken over: it delays its own job only.
func TestOrphansPassALockedMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.register(t)
	b.exec(t, `CREATE TABLE held (id int PRIMARY KEY)`)
	b.exec(t, `INSERT INTO held VALUES (1)`)
	lost := b.add(t, job.New{SubjectID: 1}, job.New{SubjectID: 2}, job.New{SubjectID: 3})
	got, err := b.Take(t.Context(), all(3), w)
	require.NoError(t, err)
	require.Len(t, got, 3)
	_, _, err = b.DeclareDead(t.Context(), w, 0)
	require.NoError(t, err)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT 1 FROM held FOR UPDATE`)
	require.NoError(t, err)
	b.effects.sql, b.effects.only = `SELECT set_config('lock_timeout', '50ms', true), (SELECT id FROM held FOR UPDATE)`, lost[1]
	_, err = b.Orphans(t.Context())
	require.NoError(t, err)
	require.Equal(t, []job.State{job.Uncertain, job.Running, job.Uncertain}, []job.State{b.state(t, lost[0]), b.state(t, lost[1]), b.state(t, lost[2])})
	require.NoError(t, tx.Rollback(t.Context()))
	_, err = b.Orphans(t.Context())
	require.NoError(t, err)
	require.Equal(t, job.Uncertain, b.state(t, lost[1]))
}
