package ledger_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// orgs inserts orgs 1 and 2, which holds and limits must belong to.
func (b *bundle) orgs(tb testing.TB) {
	tb.Helper()
	b.exec(tb, `INSERT INTO orgs (id, name) VALUES (1, 'acme'), (2, 'globex')`)
}

func (b *bundle) control(tb testing.TB) *control.Snapshot {
	tb.Helper()
	s, err := b.LoadControl(tb.Context())
	require.NoError(tb, err)
	return s
}

// What one operator sets must reach every process whole: each field of each
// hold, limit and dial, under a version that rose.
func TestControlIsLoadedAsItWasSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.orgs(t)
	ctx, now := t.Context(), time.Now()
	require.Zero(t, b.control(t).Version())

	hold, v1, err := b.AddHold(ctx, control.Hold{OrgID: 1, Queue: job.WhatsApp, Type: job.SendTemplate, Owner: "local:0", Reason: "why"}, time.Hour)
	require.NoError(t, err)
	require.Equal(t, int64(1), v1)
	require.WithinDuration(t, now.Add(time.Hour), hold.ExpiresAt, time.Minute)
	_, _, err = b.AddHold(ctx, control.Hold{Queue: job.Instagram, Owner: "local:0"}, 0)
	require.NoError(t, err)
	v3, err := b.SetLimits(ctx, []control.Limit{
		{OrgID: 1, Name: "send_text", Value: 120, Window: time.Minute, Owner: "local:0"}, {OrgID: 1, Name: control.Weight, Value: 2, Owner: "local:0"},
	}, 0)
	require.NoError(t, err)
	require.Equal(t, int64(3), v3)
	_, err = b.SetDial(ctx, job.WhatsApp, 25, "local:0")
	require.NoError(t, err)

	s := b.control(t)
	require.Equal(t, int64(4), s.Version())
	version, err := b.ControlVersion(ctx)
	require.NoError(t, err)
	require.Equal(t, s.Version(), version)
	active := s.Active(now)
	require.Len(t, active, 2)
	require.Equal(t, hold, active[0])
	require.True(t, s.Held(2, job.Instagram, job.SendMessage, now))
	require.True(t, s.Held(1, job.WhatsApp, job.SendTemplate, now))
	require.False(t, s.Held(1, job.WhatsApp, job.SendMessage, now))
	require.Equal(t, job.Rate{N: 120, Window: time.Minute}, s.Rate(1, job.ActionSendText, now))
	require.Equal(t, job.DefaultRate(job.ActionSendText), s.Rate(2, job.ActionSendText, now))
	require.Equal(t, 2, s.Weight(1, now))
	require.Equal(t, 25, s.Dial(job.WhatsApp, 50))
	require.Equal(t, 50, s.Dial(job.Instagram, 50))
}

// A released or expired hold that still counted would keep customers waiting
// for nothing; a hold that is over cannot be released twice.
func TestHoldsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.orgs(t)
	mine, _, err := b.AddHold(t.Context(), control.Hold{OrgID: 1, Owner: "a"}, 0)
	require.NoError(t, err)
	yours, _, err := b.AddHold(t.Context(), control.Hold{OrgID: 1, Owner: "b"}, 0)
	require.NoError(t, err)
	brief, _, err := b.AddHold(t.Context(), control.Hold{OrgID: 1, Owner: "c"}, time.Hour)
	require.NoError(t, err)
	b.exec(t, `UPDATE holds SET expires_at = clock_timestamp() - interval '1 s' WHERE id = $1`, brief.ID)

	released, _, err := b.ReleaseHolds(t.Context(), []int64{mine.ID, brief.ID, 999}, "a")
	require.NoError(t, err)
	require.Equal(t, []control.Hold{mine}, released)
	released, _, err = b.ReleaseHolds(t.Context(), []int64{mine.ID}, "a")
	require.NoError(t, err)
	require.Empty(t, released)
	require.Equal(t, []control.Hold{yours}, b.control(t).Active(time.Now()), "each hold is its owner's: releasing mine leaves yours")
}

// A temporary value that outlived its time, or took the lasting one with it,
// would leave an org with a limit nobody has chosen.
func TestTemporaryLimitFallsBackToTheLasting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.orgs(t)
	ctx := t.Context()
	set := func(n int, lasts time.Duration) {
		_, err := b.SetLimits(ctx, []control.Limit{{OrgID: 1, Name: "send_text", Value: n, Window: time.Minute, Owner: "a"}}, lasts)
		require.NoError(t, err)
	}
	rate := func(s *control.Snapshot, at time.Time) int { return s.Rate(1, job.ActionSendText, at).N }
	set(100, 0)
	set(200, time.Hour)
	s, now := b.control(t), time.Now()
	require.Equal(t, 200, rate(s, now))
	require.Equal(t, 100, rate(s, now.Add(2*time.Hour)), "a process without its database falls back by its own clock")
	b.exec(t, `UPDATE org_limits SET expires_at = clock_timestamp() - interval '1 s' WHERE temporary`)
	require.Equal(t, 100, rate(b.control(t), now))

	set(200, time.Hour)
	set(50, 0)
	require.Equal(t, 50, rate(b.control(t), now), "what an operator has just set holds at once")
	set(300, time.Hour)
	n, _, err := b.ResetLimits(ctx, control.LimitReset{OrgID: 1, Names: []string{"send_text"}, Owner: "local:0", Reason: "over"})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, 60, rate(b.control(t), now))
	n, _, err = b.ResetLimits(ctx, control.LimitReset{OrgID: 1, Owner: "local:0"})
	require.NoError(t, err)
	require.Zero(t, n)
}

// If a reader could see version n before what n-1 wrote, a process would
// acknowledge a pause that it does not have.
func TestVersionsCommitInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.orgs(t)
	const writers, each = 6, 10
	var mu sync.Mutex
	made := map[int64]int64{} // version -> hold
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				h, v, err := b.AddHold(t.Context(), control.Hold{OrgID: 1, Owner: "a"}, 0)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				made[v] = h.ID
				mu.Unlock()
			}
		})
	}
	var seen []*control.Snapshot
	stop := make(chan struct{})
	go func() { wg.Wait(); close(stop) }()
	for done := false; !done; {
		select {
		case <-stop:
			done = true
		default:
		}
		seen = append(seen, b.control(t))
	}
	require.Len(t, made, writers*each, "every change has a version of its own")
	for _, s := range seen {
		active := s.Active(time.Now())
		for v := int64(1); v <= s.Version(); v++ {
			require.True(t, slices.ContainsFunc(active, func(h control.Hold) bool { return h.ID == made[v] }), "version %d lacks %d", s.Version(), v)
		}
	}
}

// "Applied on 2/2" must count who can send, and nobody who cannot: a dead, a
// leaving or a frozen process would make every change look unfinished.
func TestAcksCountLiveProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	api, err := b.Register(ctx, ledger.Process{Host: "h", PID: 7, Mode: "api", Version: "test"})
	require.NoError(t, err)
	dead, leaving, frozen := b.register(t), b.register(t), b.register(t)
	b.exec(t, `UPDATE workers SET dead_at = clock_timestamp() WHERE id = $1`, dead)
	require.NoError(t, b.Drain(ctx, leaving))
	b.exec(t, `UPDATE workers SET beat_at = clock_timestamp() - interval '11 s' WHERE id = $1`, frozen)
	require.NoError(t, b.AckControl(ctx, b.w1, 5))
	require.NoError(t, b.AckControl(ctx, b.w2, 4))
	require.NoError(t, b.AckControl(ctx, api, 6))
	require.NoError(t, b.AckControl(ctx, b.w1, 3), "an old word does not undo a newer one")
	require.NoError(t, b.AckControl(ctx, 999, 5))

	acks, err := b.Acks(ctx, 5)
	require.NoError(t, err)
	require.Equal(t, []control.Ack{
		{ID: b.w1, Host: "h", PID: 1, Mode: "worker", Acked: true},
		{ID: b.w2, Host: "h", PID: 1, Mode: "worker"},
		{ID: api, Host: "h", PID: 7, Mode: "api", Acked: true},
	}, acks)
}

// A hold calls back what is on its way and covered, and nothing else; the
// snapshot and the SQL must agree on what is covered.
func TestRecallHeldAgreesWithTheSnapshot(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]control.Hold{
		"Org":         {OrgID: 1},
		"OrgQueue":    {OrgID: 1, Queue: job.WhatsApp},
		"OrgType":     {OrgID: 1, Type: job.SendTemplate},
		"OrgTokens":   {OrgID: 1, Queue: job.TokenRefresh},
		"OrgRefresh":  {OrgID: 1, Type: job.RefreshToken},
		"Queue":       {Queue: job.WhatsApp},
		"QueueType":   {Queue: job.WhatsApp, Type: job.SendTemplate},
		"TokenQueue":  {Queue: job.TokenRefresh},
		"OtherOrg":    {OrgID: 2},
		"NothingHeld": {OrgID: 1, Queue: job.MetaSpend},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.orgs(t)
			ids := b.add(t, job.New{}, job.New{Type: job.SendTemplate}, job.New{Queue: job.Instagram},
				job.New{Queue: job.TokenRefresh, Type: job.RefreshToken}, job.New{OrgID: 2}, job.New{})
			b.exec(t, `UPDATE jobs SET state = 2, epoch = 1, lane = 1, dispatched_at = clock_timestamp() WHERE id <> $1`, ids[5])
			h.Owner = "a"
			_, _, err := b.AddHold(t.Context(), h, time.Hour)
			require.NoError(t, err)
			s, want := b.control(t), 0
			n, err := b.RecallHeld(t.Context())
			require.NoError(t, err)
			for i, id := range ids[:5] {
				var org int64
				var q job.Queue
				var typ job.Type
				require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT org_id, queue, job_type FROM jobs WHERE id = $1`, id).Scan(&org, &q, &typ))
				state := job.Dispatched
				if s.Held(org, q, typ, time.Now()) {
					state, want = job.Ready, want+1
				}
				require.Equal(t, state, b.state(t, id), "job %d", i)
			}
			require.Equal(t, want, n)
		})
	}
}

// A dial turned back calls back exactly the conversations above it.
func TestRecallDial(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var jobs []job.New
	for i := range 200 {
		jobs = append(jobs, job.New{SerialKey: int64(i + 1)})
	}
	b.add(t, append(jobs, job.New{Queue: job.Instagram})...)
	b.exec(t, `UPDATE jobs SET state = 2, epoch = 1, lane = 1, dispatched_at = clock_timestamp()`)
	above := b.count(t, `SELECT count(*) FROM jobs WHERE queue = 1 AND (hashint8(serial_key) & 2147483647) % 100 >= 30`)
	require.NotZero(t, above)
	n, err := b.RecallDial(t.Context(), job.WhatsApp, 30)
	require.NoError(t, err)
	require.Equal(t, above, n)
	n, err = b.RecallDial(t.Context(), job.WhatsApp, 0)
	require.NoError(t, err)
	require.Equal(t, 200-above, n)
}

// Whoever asks in the morning why an org sent so little at night must find every
// change, also those that ended by themselves or were reset.
func TestLimitChangesAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.orgs(t)
	ctx := t.Context()
	set := func(n int, lasts time.Duration) {
		_, err := b.SetLimits(ctx, []control.Limit{{OrgID: 1, Name: "send_text", Value: n, Window: time.Minute, Owner: "local:0", Reason: "sale"}}, lasts)
		require.NoError(t, err)
	}
	set(100, 0)
	set(200, time.Hour)
	_, _, err := b.ResetLimits(ctx, control.LimitReset{OrgID: 1, Owner: "token:3", Reason: "over"})
	require.NoError(t, err)
	_, _, err = b.ResetLimits(ctx, control.LimitReset{OrgID: 1, Owner: "token:3", Reason: "nothing to reset is no change"})
	require.NoError(t, err)

	changes, err := b.LimitChanges(ctx, 1, 0, 10)
	require.NoError(t, err)
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprint(valueOf(c.Before), " to ", valueOf(c.After), " by ", c.Owner, ", ends: ", !c.ExpiresAt.IsZero()))
	}
	require.Equal(t, []string{
		"200 to default by token:3, ends: false", "100 to 200 by local:0, ends: true", "default to 100 by local:0, ends: false",
	}, got)
	older, err := b.LimitChanges(ctx, 0, changes[0].ID, 1)
	require.NoError(t, err)
	require.Equal(t, changes[1:2], older)
	none, err := b.LimitChanges(ctx, 2, 0, 10)
	require.NoError(t, err)
	require.Empty(t, none)
}

// An operator who takes a temporary value back means that one: the lasting value
// somebody chose must not go with it. And who reads the history must see when
// each value really ended.
func TestResetOfTheTemporaryLeavesTheLasting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.orgs(t)
	ctx := t.Context()
	set := func(by string, n int, lasts time.Duration) {
		_, err := b.SetLimits(ctx, []control.Limit{{OrgID: 1, Name: "send_text", Value: n, Window: time.Minute, Owner: by}}, lasts)
		require.NoError(t, err)
	}
	reset := func(r control.LimitReset) int {
		r.OrgID, r.Owner = 1, "dana"
		n, _, err := b.ResetLimits(ctx, r)
		require.NoError(t, err)
		return n
	}
	rate := func() int { return b.control(t).Rate(1, job.ActionSendText, time.Now()).N }
	set("ana", 100, 0)
	set("bea", 200, time.Hour)
	require.Equal(t, 1, reset(control.LimitReset{Temporary: true}))
	require.Equal(t, 100, rate())
	require.Zero(t, reset(control.LimitReset{Temporary: true}), "there is no temporary one left")
	set("cleo", 300, time.Hour)
	set("cleo", 400, time.Hour)
	require.Equal(t, 2, reset(control.LimitReset{Names: []string{"send_text"}}))
	require.Equal(t, 60, rate())

	changes, err := b.LimitChanges(ctx, 1, 0, 10)
	require.NoError(t, err)
	slices.Reverse(changes)
	var got []string
	for i, c := range changes {
		by := cmp.Or(c.EndedBy, "nobody")
		require.Equal(t, c.EndedBy == "", c.EndedAt.IsZero(), i)
		got = append(got, fmt.Sprint(valueOf(c.Before), " to ", valueOf(c.After), ", ended by ", by))
	}
	require.Equal(t, []string{
		"default to 100, ended by dana", "100 to 200, ended by dana", "200 to 100, ended by nobody",
		"100 to 300, ended by cleo", "300 to 400, ended by dana", "400 to default, ended by nobody",
	}, got)
	require.Equal(t, changes[5].At, changes[0].EndedAt, "the lasting value held until the reset of everything")
	require.Equal(t, changes[2].At, changes[1].EndedAt)

	b.exec(t, `UPDATE limit_changes SET expires_at = at + interval '1 us' WHERE after_value = 300`)
	changes, err = b.LimitChanges(ctx, 1, 0, 10)
	require.NoError(t, err)
	require.Zero(t, changes[2].EndedAt, "it was over by itself before anybody changed it")
}

func valueOf(l *control.Limit) string {
	if l == nil {
		return "default"
	}
	return strconv.Itoa(l.Value)
}
