package faultstest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// forged are books of two jobs of one conversation, done one after the other,
// in which nothing is wrong.
func forged() *books {
	b := &books{events: map[int64][]event{}, stored: map[string]bool{"in.1": true}, inbound: []metasim.Inbound{{ProviderID: "in.1", OKPosts: 1}}}
	for i := range int64(2) {
		b.entries = append(b.entries, entry{
			ID: 1 + i, Org: tight, Past: true, State: done, Queue: job.WhatsApp, Priority: job.Interactive, Serial: 7, Epoch: 1, Attempt: 1,
			StartedAt: second(10 * i), EndedAt: second(10*i + 2),
		})
		b.sends = append(b.sends, metasim.Send{
			Seq: 1 + i, At: *second(10 * i), EndedAt: *second(10*i + 1), Job: string(rune('1' + i)), RequestID: string(rune('1'+i)) + ".1",
			Account: "a", Recipient: "r", Decision: metasim.Accepted,
		})
	}
	return b
}

func second(n int64) *time.Time { return new(time.Unix(1_800_000_000+n, 0)) }

// Who checks must see: each wrong that the suite exists to find is put into
// books that were in order, and found.
func TestChecksFindWhatIsWrong(t *testing.T) {
	t.Parallel()
	uncertain := event{JobID: 1, Kind: 3, Epoch: 1, Attempt: 1, StartedAt: second(0), At: *second(2)}
	cases := []struct {
		name  string
		forge func(b *books)
		want  []sort
	}{
		{"NothingWrong", func(*books) {}, nil},
		{"AcceptedAndGone", func(b *books) { b.entries, b.sends = b.entries[:1], b.sends[:1] }, []sort{lost}},
		{"InTwoPlaces", func(b *books) { b.entries = append(b.entries, entry{ID: 1, State: job.Dead}) }, []sort{lost, otherwise}},
		{"NeverEnds", func(b *books) { b.entries[1].Past, b.entries[1].State = false, job.Ready }, []sort{lost}},
		{"DoneAndNeverSent", func(b *books) { b.sends = b.sends[:1] }, []sort{lost}},
		{"InboundNotStored", func(b *books) { delete(b.stored, "in.1") }, []sort{lost}},
		{"InboundWithoutA200", func(b *books) { delete(b.stored, "in.1"); b.inbound[0].OKPosts = 0 }, nil},
		{"SentTwice", func(b *books) {
			again := b.sends[1]
			again.Seq, again.At, again.EndedAt, again.RequestID = 3, *second(30), *second(31), "2.2"
			b.sends = append(b.sends, again)
		}, []sort{doubled}},
		{"SentAndRefused", func(b *books) {
			again := b.sends[1]
			again.Seq, again.At, again.EndedAt, again.Decision = 3, *second(30), *second(31), metasim.Refused
			b.sends = append(b.sends, again)
		}, nil},
		{"Overtaken", func(b *books) { b.sends[0].Seq, b.sends[1].Seq = 2, 1 }, []sort{disordered}},
		{"OvertakenByBetter", func(b *books) {
			b.sends[0].Seq, b.sends[1].Seq = 2, 1
			b.entries[0].Priority = job.Bulk
		}, nil},
		{"OvertakenByWorse", func(b *books) {
			b.sends[0].Seq, b.sends[1].Seq = 2, 1
			b.entries[1].Priority = job.Bulk
		}, []sort{disordered}},
		{"OvertakenWhenUncertain", func(b *books) {
			b.sends[0].Seq, b.sends[1].Seq = 2, 1
			b.events[1] = []event{uncertain}
		}, nil},
		{"TwoAtOnce", func(b *books) { b.entries[0].EndedAt = second(11) }, []sort{disordered}},
		{"TwoAtOnceAtMeta", func(b *books) { b.sends[0].EndedAt, b.entries[0].EndedAt = *second(11), second(11) }, []sort{disordered, disordered}},
		{"SettledBeforeTheAnswer", func(b *books) { b.sends[0].EndedAt = *second(11) }, nil},
		{"RunsTwice", func(b *books) {
			b.entries[0].Epoch = 2
			b.events[1] = []event{{JobID: 1, Kind: 1, Epoch: 1, Attempt: 1, StartedAt: second(0), At: *second(5)}}
		}, []sort{otherwise, disordered}},
		{"CountedTwice", func(b *books) { b.entries[0].Attempt = 2 }, []sort{otherwise}},
		{"OneOutcomeTwice", func(b *books) { b.events[1] = []event{uncertain, uncertain} }, []sort{otherwise}},
		{"GivenUpAlive", func(b *books) { b.dead = []dead{{PID: 12, DeadAt: *second(0)}} }, []sort{otherwise}},
		{"GivenUpKilled", func(b *books) { b.dead = []dead{{PID: 11, DeadAt: *second(0)}} }, nil},
		{"SentAndCancelled", func(b *books) { b.entries[0].State = cancelled }, []sort{otherwise}},
		{"SentAndDead", func(b *books) { b.entries[0].Past, b.entries[0].State = false, job.Dead }, []sort{otherwise}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := forged()
			c.forge(b)
			b.index()
			var got []sort
			for _, f := range b.check([]int64{1, 2}, []life{{pid: 11, excused: true}, {pid: 12}}) {
				got = append(got, f.sort)
			}
			require.ElementsMatch(t, c.want, got)
		})
	}
}

// Limits and pauses are looked for by their own times.
func TestChecksFindWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	b := forged()
	b.index()
	from, to := *second(9), *second(11)
	require.Len(t, b.checkPauses([]pause{{tight, "whatsapp", from, to}}), 1)
	require.Empty(t, b.checkPauses([]pause{{tight, "instagram", from, to}, {"acme", "whatsapp", from, to}, {tight, "whatsapp", *second(3), from}}))

	mine, n := map[string]bool{"a": true}, int64(60+stalled)
	b.sends = nil
	for i := range n + 1 {
		b.sends = append(b.sends, metasim.Send{Account: "a", Type: "text", At: second(100).Add(time.Duration(i) * 59 * time.Second / time.Duration(n))})
	}
	require.Len(t, b.checkLimits(mine, *second(1000)), 1)
	require.Empty(t, b.checkLimits(mine, *second(159)), "afterwards the limit was another one")
	require.Empty(t, b.checkLimits(map[string]bool{"b": true}, *second(1000)))
	b.sends = b.sends[1:]
	require.Empty(t, b.checkLimits(mine, *second(1000)))
}
