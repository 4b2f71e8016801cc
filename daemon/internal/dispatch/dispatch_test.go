package dispatch_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/dispatch"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Everything outside ready is out of reach of pause, cancel and fairness: only
// a little more than the slots can run may be there, in all processes together.
func TestWindow(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name            string
		slots, inFlight int
		want            int
	}{
		{"NoWorkerYet", 0, 0, 4},
		{"Empty", 8, 0, 12},
		{"PartlyUsed", 8, 10, 2},
		{"Full", 8, 12, 0},
		{"Overfull", 8, 99, 0},
		{"OneClaimIsBounded", 1000, 0, 256},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := parts{ledger: &fakeLedger{}, remote: &fakeRemote{}, runner: &fakeRunner{}, dial: 100}
			p.ledger.outlook = job.Outlook{Backlog: messages(crowd()...), OnRedis: map[job.Queue]int{job.WhatsApp: c.inFlight}, Slots: c.slots}
			_, err := p.build(t).Round(t.Context())
			require.NoError(t, err)
			if c.want == 0 {
				require.Empty(t, p.ledger.dispatches)
				return
			}
			require.Len(t, p.ledger.dispatches, 1)
			require.Equal(t, c.want, places(p.ledger.dispatches[0]))
		})
	}
}

// Two job types of one queue share its window; another queue has its own.
func TestWindowIsPerQueue(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{dispatch: handOuts}, remote: &fakeRemote{}, runner: &fakeRunner{}, dial: 100}
	p.ledger.outlook.Slots = many
	p.ledger.outlook.OnRedis = map[job.Queue]int{job.WhatsApp: full - 20, job.Instagram: full - 30}
	p.ledger.outlook.Backlog = []job.Backlog{
		{Queue: job.WhatsApp, Type: job.SendMessage, OrgID: 1},
		{Queue: job.WhatsApp, Type: job.SendTemplate, OrgID: 1},
		{Queue: job.Instagram, Type: job.SendMessage, OrgID: 1},
	}
	_, err := p.build(t).Round(t.Context())
	require.NoError(t, err)
	sent := map[job.Queue]int{}
	for _, pick := range p.ledger.dispatches {
		sent[pick.Queue] += places(pick)
	}
	require.Equal(t, map[job.Queue]int{job.WhatsApp: 20, job.Instagram: 30}, sent)
}

// The dial splits conversations between the lanes without gap or overlap; with
// Redis away everything travels by the postgres lane.
func TestDial(t *testing.T) {
	t.Parallel()
	type span struct{ From, To int }
	cases := []struct {
		name         string
		dial         int
		remote       *fakeRemote
		local, redis []span
	}{
		{"Database", 0, &fakeRemote{}, []span{{0, 100}}, nil},
		{"Half", 50, &fakeRemote{}, []span{{50, 100}}, []span{{0, 50}}},
		{"Redis", 100, &fakeRemote{}, nil, []span{{0, 100}}},
		{"Unhealthy", 100, &fakeRemote{away: 100}, []span{{0, 100}}, nil},
		{"NoRedis", 50, nil, []span{{0, 100}}, nil},
		{"BelowTheScale", -7, &fakeRemote{}, []span{{0, 100}}, nil},
		{"AboveTheScale", 170, &fakeRemote{}, nil, []span{{0, 100}}},
	}
	spans := func(picks []job.Pick) (got []span) {
		for _, p := range picks {
			got = append(got, span{p.DialFrom, p.DialTo})
		}
		return got
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := parts{ledger: &fakeLedger{}, remote: c.remote, runner: &fakeRunner{free: 4}, dial: c.dial}
			p.ledger.outlook.Backlog = messages(1)
			_, err := p.build(t).Round(t.Context())
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(c.local, spans(p.ledger.takes)))
			require.Empty(t, cmp.Diff(c.redis, spans(p.ledger.dispatches)))
			require.Equal(t, 4, p.runner.freeSlots(), "slots without work are given back")
		})
	}
}

// A copy that may not have reached Redis is taken back, else its job waits for
// the reconciler.
func TestLostCopiesAreRecalled(t *testing.T) {
	t.Parallel()
	p := parts{
		ledger: &fakeLedger{dispatch: handOuts}, runner: &fakeRunner{}, dial: 100,
		remote: &fakeRemote{lose: func(t job.Ticket) bool { return t.ID%2 == 0 }},
	}
	p.ledger.outlook = job.Outlook{Backlog: messages(1), OnRedis: map[job.Queue]int{job.WhatsApp: full - 4}, Slots: many}
	more, err := p.build(t).Round(t.Context())
	require.NoError(t, err)
	require.False(t, more, "after a failure Redis is left alone for a moment")
	require.Equal(t, map[string][]job.Ticket{"enqueue": {{ID: 2, Epoch: 1}, {ID: 4, Epoch: 1}}}, p.ledger.recalled)
	require.Equal(t, []job.Ticket{{ID: 1, Epoch: 1}, {ID: 3, Epoch: 1}}, p.remote.sent)

	away := errors.New("the database is away")
	p.ledger.recall = func(context.Context) error { return away }
	_, err = p.build(t).Round(t.Context())
	require.ErrorIs(t, err, away)
}

// What this process cannot run it must not claim: it would be stuck here.
func TestNothingUnknownIsClaimed(t *testing.T) {
	t.Parallel()
	p := parts{
		ledger: &fakeLedger{take: filled, dispatch: handOuts}, remote: &fakeRemote{}, dial: 50,
		runner: &fakeRunner{free: 100, knows: []job.Type{job.SendMessage}},
	}
	p.ledger.outlook.Backlog = []job.Backlog{
		{Queue: job.WhatsApp, Type: job.SendMessage, OrgID: 1},
		{Queue: job.WhatsApp, Type: job.SendTemplate, OrgID: 1},
		{Queue: job.Instagram, Type: job.SendMessage, OrgID: 2},
		{Queue: job.TokenRefresh, Type: job.RefreshToken, OrgID: 1},
	}
	_, err := p.build(t).Round(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, p.ledger.takes)
	for _, pick := range append(p.ledger.takes, p.ledger.dispatches...) {
		require.Equal(t, job.SendMessage, pick.Type)
	}
}

// With few slots the queues take turns: a flood of WhatsApp messages must not
// keep templates and Instagram waiting until it is over.
func TestKindsTakeTurns(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{take: filled}, runner: &fakeRunner{}}
	p.ledger.outlook.Backlog = []job.Backlog{
		{Queue: job.WhatsApp, Type: job.SendMessage, OrgID: 1},
		{Queue: job.WhatsApp, Type: job.SendTemplate, OrgID: 1},
		{Queue: job.Instagram, Type: job.SendMessage, OrgID: 1},
	}
	d := p.build(t)
	for range 30 {
		p.runner.Unreserve(job.WhatsApp, 1) // one job ends
		_, err := d.Round(t.Context())
		require.NoError(t, err)
	}
	type kind struct {
		q job.Queue
		t job.Type
	}
	ran := map[kind]int{}
	for _, c := range p.runner.ran {
		ran[kind{c.Queue, c.Type}]++
	}
	require.Equal(t, map[kind]int{
		{job.WhatsApp, job.SendMessage}: 10, {job.WhatsApp, job.SendTemplate}: 10, {job.Instagram, job.SendMessage}: 10,
	}, ran)
}

// With one free slot at a time and both lanes open, every org is served by
// both: its conversations are spread over both.
func TestOrgsTakeTurnsOnBothLanes(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{take: filled, dispatch: handOuts}, remote: &fakeRemote{}, runner: &fakeRunner{}, dial: 50}
	p.ledger.outlook = job.Outlook{Backlog: messages(1, 2), OnRedis: map[job.Queue]int{job.WhatsApp: full - 1}, Slots: many} // one place left
	d := p.build(t)
	for range 20 {
		p.runner.Unreserve(job.WhatsApp, 1)
		_, err := d.Round(t.Context())
		require.NoError(t, err)
	}
	served := func(picks []job.Pick) map[int64]int {
		got := map[int64]int{}
		for _, pick := range picks {
			got[pick.Shares[0].OrgID]++
		}
		return got
	}
	require.Equal(t, map[int64]int{1: 10, 2: 10}, served(p.ledger.takes))
	require.Equal(t, map[int64]int{1: 10, 2: 10}, served(p.ledger.dispatches))
}

func TestFailedClaimKeepsNoSlots(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	p := parts{ledger: &fakeLedger{}, runner: &fakeRunner{free: 9}}
	p.ledger.take = func(context.Context, job.Pick) ([]job.Claimed, error) { return nil, broken }
	p.ledger.outlook.Backlog = messages(1)
	d := p.build(t)
	_, err := d.Round(t.Context())
	require.ErrorIs(t, err, broken)
	require.Equal(t, 9, p.runner.freeSlots())

	p.ledger.pollErr = errors.New("away")
	_, err = d.Round(t.Context())
	require.ErrorIs(t, err, p.ledger.pollErr)
}

func TestRoundSaysWhetherThereIsMore(t *testing.T) {
	t.Parallel()
	p := parts{ledger: &fakeLedger{take: filled}, runner: &fakeRunner{free: 2}}
	p.ledger.outlook = job.Outlook{Backlog: messages(1), Slots: many}
	d := p.build(t)
	more, err := d.Round(t.Context())
	require.NoError(t, err)
	require.True(t, more, "both slots were filled: look again")
	more, err = d.Round(t.Context())
	require.NoError(t, err)
	require.False(t, more, "no slot is free: wait for one")
	require.Equal(t, 2, p.runner.runs())
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := dispatch.New(dispatch.Options{})
	require.ErrorContains(t, err, "required")
}
