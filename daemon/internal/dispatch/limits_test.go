package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// fakeLimits has tokens per org, and numbers and pairs that must wait.
type fakeLimits struct {
	tokens   map[int64]int
	channels map[int64]time.Duration
	pairs    map[int64]time.Duration
	wants    []job.Want
	takes    int
	returned map[int64]int
}

func (l *fakeLimits) Take(_ context.Context, wants []job.Want) []job.Grant {
	l.takes++
	l.wants = append(l.wants, wants...)
	grants := make([]job.Grant, len(wants))
	for i, w := range wants {
		n := min(w.N, l.tokens[w.OrgID], w.Most)
		l.tokens[w.OrgID] -= n
		grants[i] = job.Grant{N: n, Stamp: 7}
		if n < w.N {
			grants[i].RetryAfter = time.Minute
		}
	}
	return grants
}

func (l *fakeLimits) Return(_ context.Context, wants []job.Want, _ []job.Grant, unused []int) {
	if l.returned == nil {
		l.returned = map[int64]int{}
	}
	for i, w := range wants {
		l.returned[w.OrgID] += unused[i]
		l.tokens[w.OrgID] += unused[i]
	}
}

func (l *fakeLimits) Clear(_ context.Context, passages []job.Passage) []job.Clearance {
	out := make([]job.Clearance, len(passages))
	for i, p := range passages {
		out[i] = job.Clearance{ChannelWait: l.channels[p.ChannelID], PairWait: l.pairs[p.Pair]}
	}
	return out
}

// An org at its limit keeps its rows in ready and is not asked about again
// until a token is free; nobody else notices.
func TestTokensBoundWhatLeaves(t *testing.T) {
	t.Parallel()
	limits := &fakeLimits{tokens: map[int64]int{1: 2, 2: 50}}
	p := parts{ledger: &fakeLedger{take: filled}, runner: &fakeRunner{free: 20}, limits: limits}
	p.ledger.outlook = job.Outlook{Backlog: messages(1, 2), Slots: many}
	d := p.build(t)
	_, err := d.Round(t.Context())
	require.NoError(t, err)
	ran := map[int64]int{}
	for _, c := range p.runner.ran {
		ran[c.OrgID]++
	}
	require.Equal(t, map[int64]int{1: 2, 2: 18}, ran, "what one may not use the other gets")
	p.runner.Unreserve(job.WhatsApp, 10)
	limits.wants = nil
	_, err = d.Round(t.Context())
	require.NoError(t, err)
	for _, w := range limits.wants {
		require.NotEqual(t, int64(1), w.OrgID, "a throttled org is left alone")
	}

	p.set = control.New(1, nil, nil, nil) // somebody raised a limit
	limits.tokens[1] = 5
	p.runner.Unreserve(job.WhatsApp, 4)
	_, err = d.Round(t.Context())
	require.NoError(t, err)
	require.Contains(t, limits.wants, job.Want{OrgID: 1, Action: job.ActionSendText, Rate: job.DefaultRate(job.ActionSendText), Most: 60, N: 2})
}

// What a claim did not need goes back; after a failed claim nothing does, since
// its jobs may be on their way.
func TestUnusedTokensAreReturned(t *testing.T) {
	t.Parallel()
	limits := &fakeLimits{tokens: map[int64]int{1: 50}}
	p := parts{ledger: &fakeLedger{}, runner: &fakeRunner{free: 20}, limits: limits}
	p.ledger.outlook = job.Outlook{Backlog: messages(1), Slots: many}
	p.ledger.take = func(ctx context.Context, pick job.Pick) ([]job.Claimed, error) {
		got, err := filled(ctx, pick)
		return got[:3], err
	}
	d := p.build(t)
	_, err := d.Round(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[int64]int{1: 5}, limits.returned)

	p.ledger.take = func(context.Context, job.Pick) ([]job.Claimed, error) { return nil, context.DeadlineExceeded }
	_, err = d.Round(t.Context())
	require.Error(t, err)
	require.Equal(t, map[int64]int{1: 5}, limits.returned)
	require.Equal(t, 50-3-8, limits.tokens[1])
}

// Free slots ask for more tokens than most orgs have. One that has used few of
// them goes on at once: nobody waits a minute for a token that was given back.
func TestReturnedTokensKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	limits := &fakeLimits{tokens: map[int64]int{1: 60}}
	p := parts{ledger: &fakeLedger{}, runner: &fakeRunner{free: 64}, limits: limits}
	p.ledger.outlook = job.Outlook{Backlog: messages(1), Slots: many}
	p.ledger.take = func(ctx context.Context, pick job.Pick) ([]job.Claimed, error) {
		got, err := filled(ctx, pick)
		return got[:1], err // one message waits
	}
	d := p.build(t)
	for n := 1; n <= 3; n++ {
		_, err := d.Round(t.Context())
		require.NoError(t, err)
		require.Len(t, p.runner.ran, n)
		p.runner.Unreserve(job.WhatsApp, 1)
	}
	require.Equal(t, 57, limits.tokens[1])
}

// A campaign may use four fifths of a limit, so that an agent's reply finds a
// token; replies are claimed before it.
func TestBulkLeavesTokensForReplies(t *testing.T) {
	t.Parallel()
	limits := &fakeLimits{tokens: map[int64]int{1: 100}}
	p := parts{ledger: &fakeLedger{take: filled}, runner: &fakeRunner{free: 64}, limits: limits}
	p.ledger.outlook = job.Outlook{Slots: many, Backlog: []job.Backlog{
		{Queue: job.WhatsApp, Type: job.SendMessage, OrgID: 1},
		{Queue: job.WhatsApp, Type: job.SendMessage, OrgID: 1, Bulk: true},
	}}
	first := true
	p.ledger.take = func(ctx context.Context, pick job.Pick) ([]job.Claimed, error) {
		if first {
			require.Equal(t, job.Share{OrgID: 1, Limit: 8, From: job.Interactive, To: job.Normal}, pick.Shares[0])
			first = false
			got, err := filled(ctx, pick)
			return got[:2], err // two replies wait
		}
		require.Equal(t, job.Bulk, pick.Shares[0].From)
		return filled(ctx, pick)
	}
	_, err := p.build(t).Round(t.Context())
	require.NoError(t, err)
	require.Equal(t, 60, limits.wants[0].Most)
	for _, w := range limits.wants[1:] {
		require.Equal(t, 48, w.Most)
	}
}

// What may not leave by its number or to its customer yet is put back before
// anything of it begins, with its token, and the number is left alone.
func TestPacing(t *testing.T) {
	t.Parallel()
	for _, dial := range []int{0, 100} {
		limits := &fakeLimits{tokens: map[int64]int{1: 10, 2: 10, 3: 10}, channels: map[int64]time.Duration{2: time.Minute}, pairs: map[int64]time.Duration{1: 4 * time.Second}}
		p := parts{
			ledger: &fakeLedger{take: filled, dispatch: handOuts}, remote: &fakeRemote{}, runner: &fakeRunner{free: 3}, limits: limits, dial: dial,
		}
		p.ledger.take = func(context.Context, job.Pick) ([]job.Claimed, error) {
			return []job.Claimed{
				{ID: 1, Epoch: 1, OrgID: 1, ChannelID: 1, SerialKey: 1}, {ID: 2, Epoch: 1, OrgID: 2, ChannelID: 2, SerialKey: 2}, {ID: 3, Epoch: 1, OrgID: 3, ChannelID: 3, SerialKey: 3},
			}, nil
		}
		p.ledger.outlook = job.Outlook{Backlog: messages(1, 2, 3), Slots: many, OnRedis: map[job.Queue]int{job.WhatsApp: full - 3}}
		d := p.build(t)
		_, err := d.Round(t.Context())
		require.NoError(t, err)
		require.NotZero(t, p.runner.runs()+len(p.remote.sent))
		for _, c := range p.runner.ran {
			require.Equal(t, int64(3), c.OrgID)
		}
		require.Equal(t, []job.Deferral{
			{Ticket: job.Ticket{ID: 1, Epoch: 1}, After: 4 * time.Second}, {Ticket: job.Ticket{ID: 2, Epoch: 1}},
		}, p.ledger.deferred[:2])
		require.GreaterOrEqual(t, limits.returned[1], 1)
		_, err = d.Round(t.Context())
		require.NoError(t, err)
		picks := append(p.ledger.takes, p.ledger.dispatches...)
		require.Contains(t, picks[len(picks)-1].Blocked, int64(2))
	}
}

// Holds, cool-downs and a concurrency of their own stop exactly whom they name.
func TestWhatMustWaitIsNotAskedFor(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{take: filled}, runner: &fakeRunner{free: 64}}
	p.ledger.outlook = job.Outlook{
		Slots: many, Channels: []int64{9}, Queues: []job.Queue{job.Instagram},
		UnderWay: map[job.OrgInQueue]int{{OrgID: 3, Queue: job.WhatsApp}: 3, {OrgID: 3, Queue: job.Instagram}: 1},
		Backlog:  append(messages(1, 2, 3), job.Backlog{Queue: job.Instagram, Type: job.SendMessage, OrgID: 2}),
	}
	p.set = control.New(1, []control.Hold{{ID: 1, OrgID: 1}}, []control.Limit{{OrgID: 3, Name: control.Concurrency, Value: 5}}, nil)
	_, err := p.build(t).Round(t.Context())
	require.NoError(t, err)
	ran := map[int64]int{}
	for _, c := range p.runner.ran {
		require.Equal(t, job.WhatsApp, c.Queue)
		ran[c.OrgID]++
	}
	require.Equal(t, map[int64]int{2: 63, 3: 1}, ran)
	require.Equal(t, []int64{9}, p.ledger.takes[0].Blocked)
}

// One org alone leaves a fifth of the slots to a newcomer; in a crowd nobody has
// more than a quarter.
func TestCaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ waiting, want int }{{1, 48}, {2, 24}, {3, 15}, {4, 15}, {40, 15}} {
		p := parts{ledger: &fakeLedger{take: filled}, runner: &fakeRunner{free: 60}}
		p.ledger.outlook = job.Outlook{Backlog: messages(crowd()[:c.waiting]...), Slots: 60}
		_, err := p.build(t).Round(t.Context())
		require.NoError(t, err)
		ran := map[int64]int{}
		for _, r := range p.runner.ran {
			ran[r.OrgID]++
		}
		for org, n := range ran {
			require.LessOrEqual(t, n, c.want, "org %d of %d", org, c.waiting)
		}
		require.Len(t, p.runner.ran, min(60, c.want*c.waiting))
	}
}

// While a provider does not answer, one job at a time asks.
func TestProbing(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{take: filled}, runner: &fakeRunner{free: 60, probing: true}}
	p.ledger.outlook = job.Outlook{Backlog: messages(crowd()...), Slots: many}
	_, err := p.build(t).Round(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, p.runner.runs())
}

// With the breaker open old copies are recalled, and not more often than they
// can get old.
func TestRecallWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{}, remote: &fakeRemote{away: 100}, runner: &fakeRunner{}, dial: 100}
	d := p.build(t)
	for range 5 {
		_, err := d.Round(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, 1, p.ledger.olders)
}

// A claim whose answer was lost may have handed out jobs that are in no queue
// now: they are taken back as soon as the database answers, and only then.
func TestRecallOfADoubtfulClaim(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{}, remote: &fakeRemote{}, runner: &fakeRunner{}, dial: 100}
	p.ledger.outlook.Backlog, p.ledger.outlook.Slots = messages(1), 9
	p.ledger.dispatch = func(job.Pick) ([]job.HandOut, error) { return nil, errors.New("connection reset") }
	d := p.build(t)
	_, err := d.Round(t.Context())
	require.Error(t, err)
	p.ledger.answer(errors.New("away"))
	_, err = d.Round(t.Context())
	require.Error(t, err)
	require.Zero(t, p.ledger.doubts)
	p.ledger.answer(nil)
	p.ledger.dispatch = nil
	for range 3 {
		_, err = d.Round(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, 1, p.ledger.doubts)
}

// A process that was frozen between its claim and the first call must not begin:
// others take the claim's answer for lost after a while and run the jobs. Their
// tokens stay used: nobody knows what became of them.
func TestStaleClaimIsNotBegun(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	limits := &fakeLimits{tokens: map[int64]int{1: 50}}
	p := parts{ledger: &fakeLedger{}, runner: &fakeRunner{free: 4}, limits: limits, now: func() time.Time { return at }}
	p.ledger.outlook = job.Outlook{Backlog: messages(1), Slots: many}
	p.ledger.take = func(ctx context.Context, pick job.Pick) ([]job.Claimed, error) {
		at = at.Add(9 * time.Second)
		return filled(ctx, pick)
	}
	more, err := p.build(t).Round(t.Context())
	require.NoError(t, err)
	require.False(t, more)
	require.Zero(t, p.runner.runs())
	require.Equal(t, 4, p.runner.freeSlots(), "the slots are free again")
	require.Empty(t, limits.returned)
}

// With more orgs than one look lists, each page has its own turn: else the ring
// would begin at the head of every page, and those behind would starve. And the
// walk goes on at once while places are left.
func TestPagesHaveTurnsOfTheirOwn(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{take: filled}, runner: &fakeRunner{}}
	d := p.build(t)
	pages := [][]int64{{1, 2, 3, 4}, {11, 12, 13, 14}}
	for i := range 8 { // each page four times, with one place each
		p.ledger.outlook = job.Outlook{Backlog: messages(pages[i%2]...), Page: i % 2, More: i%2 == 0, Slots: many}
		p.runner.Unreserve(job.WhatsApp, 1)
		_, err := d.Round(t.Context())
		require.NoError(t, err)
	}
	ran := map[int64]int{}
	for _, c := range p.runner.ran {
		ran[c.OrgID]++
	}
	require.Equal(t, map[int64]int{1: 1, 2: 1, 3: 1, 4: 1, 11: 1, 12: 1, 13: 1, 14: 1}, ran)

	p.ledger.take = nil // nothing on this page can leave
	p.ledger.outlook = job.Outlook{Backlog: messages(1), More: true, Slots: many}
	p.runner.Unreserve(job.WhatsApp, 1)
	more, err := d.Round(t.Context())
	require.NoError(t, err)
	require.True(t, more)
}
