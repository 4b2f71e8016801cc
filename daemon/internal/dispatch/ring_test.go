package dispatch_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/dispatch"
)

type lines struct {
	orgs           []int64
	weights, rooms []int
}

func drawLines(rt *rapid.T) (l lines) {
	l.orgs = rapid.SliceOfNDistinct(rapid.Int64Range(1, 1000), 1, 30, rapid.ID[int64]).Draw(rt, "orgs")
	slices.Sort(l.orgs)
	for range l.orgs {
		l.weights = append(l.weights, rapid.IntRange(1, 10).Draw(rt, "weight"))
		l.rooms = append(l.rooms, rapid.IntRange(0, 40).Draw(rt, "room"))
	}
	return l
}

// If this breaks, slots stay empty although there is work, or an org gets more
// than it may have.
func TestRingFillsThePlaces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var r dispatch.Ring
		for range rapid.IntRange(1, 5).Draw(rt, "rounds") {
			l := drawLines(rt)
			n := rapid.IntRange(0, 200).Draw(rt, "places")
			sum, room := 0, 0
			for i, got := range r.Share(l.orgs, l.weights, l.rooms, n) {
				require.GreaterOrEqual(rt, got, 0)
				require.LessOrEqual(rt, got, l.rooms[i])
				sum += got
				room += l.rooms[i]
			}
			require.Equal(rt, min(n, room), sum)
		}
	})
}

// Under saturation everybody gets places in proportion to their weight, whatever
// the number of places that are free at a time: after any number of rounds no
// org is ahead of its due by more than one turn, or behind by more.
func TestRingIsFairOverTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var r dispatch.Ring
		l := drawLines(rt)
		weight := 0
		for i := range l.rooms {
			l.rooms[i] = 1 << 30
			weight += l.weights[i]
		}
		got, all := make([]int, len(l.orgs)), 0
		for range rapid.IntRange(1, 200).Draw(rt, "rounds") {
			n := rapid.IntRange(0, 20).Draw(rt, "places")
			all += n
			for i, k := range r.Share(l.orgs, l.weights, l.rooms, n) {
				got[i] += k
			}
		}
		for i, w := range l.weights {
			due := float64(all) * float64(w) / float64(weight)
			require.InDelta(rt, due, got[i], float64(2*w), "org %d of weight %d", l.orgs[i], w)
		}
	})
}

// A newcomer is served within one turn of everybody else.
func TestRingServesANewcomerInOneTurn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var r dispatch.Ring
		l := drawLines(rt)
		turn := 0
		for i := range l.rooms {
			l.rooms[i] = 1 << 30
			turn += l.weights[i]
		}
		r.Share(l.orgs, l.weights, l.rooms, rapid.IntRange(0, 300).Draw(rt, "before"))
		newcomer := rapid.Int64Range(1001, 1002).Draw(rt, "newcomer")
		l.orgs, l.weights, l.rooms = append(l.orgs, newcomer), append(l.weights, 1), append(l.rooms, 1)
		served := 0
		for given := 0; given < turn+1 && served == 0; given++ {
			served = r.Share(l.orgs, l.weights, l.rooms, 1)[len(l.orgs)-1]
		}
		require.Equal(rt, 1, served)
	})
}

func TestRingOfNothing(t *testing.T) {
	t.Parallel()
	var r dispatch.Ring
	require.Empty(t, r.Share(nil, nil, nil, 5))
	require.Equal(t, []int{0, 0}, r.Share([]int64{1, 2}, []int{1, 1}, []int{3, 3}, 0))
	require.Equal(t, []int{0, 0}, r.Share([]int64{1, 2}, []int{1, 1}, []int{0, 0}, 7))
}

// Copies that come to a slot too late mean that the window is too wide: it
// halves at once and grows back slowly, or the same copies expire for ever.
func TestWindowShrinksOnExpiry(t *testing.T) {
	t.Parallel()
	var w dispatch.Window
	at := time.Unix(1_800_000_000, 0)
	note := func(expired int, later time.Duration) int {
		at = at.Add(later)
		w.Note(expired, 64, at)
		return w.Size(64)
	}
	require.Equal(t, 68, note(0, 0))
	require.Equal(t, 34, note(3, time.Second))
	require.Equal(t, 17, note(1, time.Second))
	require.Equal(t, 17, note(0, 900*time.Millisecond))
	require.Equal(t, 18, note(0, 100*time.Millisecond))
	require.Equal(t, 28, note(0, 10*time.Second))
	for range 10 {
		note(1, time.Second)
	}
	require.Equal(t, 4, note(1, time.Second), "never less, or nothing would ever try")
	require.Equal(t, 68, note(0, 2*time.Minute))
}

// A copy that waits in Redis is in everybody's way: no more than slots will take up
// until the next round. Slots that end thousands of jobs a second take up many.
func TestWindowGrowsWithThePace(t *testing.T) {
	t.Parallel()
	var w dispatch.Window
	at := time.Unix(1_800_000_000, 0)
	second := func(jobs int) int {
		for range 100 {
			w.Handed(jobs / 100)
			at = at.Add(10 * time.Millisecond)
			w.Note(0, 64, at)
		}
		return w.Size(64)
	}
	require.Equal(t, 68, second(200), "slots of 300 ms")
	second(1000)
	second(1000)
	require.InDelta(t, 64+20, second(1000), 2)
	second(10_000)
	require.Equal(t, 96, second(10_000), "never more than a quarter of the slots and 16")
	second(0)
	second(0)
	second(0)
	require.Equal(t, 68, second(0))
}
