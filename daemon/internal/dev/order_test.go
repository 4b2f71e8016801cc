package dev

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

func TestOutOfOrder(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	// In order of acceptance: 1, 2, 3 in conversation a; 4 in bulk; 5 in b.
	accepted := []acceptance{
		{job: 1, conversation: "a", asked: at(1), answered: at(2)},
		{job: 2, conversation: "a", asked: at(3), answered: at(4)},
		{job: 3, conversation: "a", asked: at(5), answered: at(6)},
		{job: 4, conversation: "a", asked: at(1), answered: at(2), bulk: true},
		{job: 5, conversation: "b", asked: at(1), answered: at(2)},
	}
	for _, c := range []struct {
		name  string
		sends []string
		want  int
	}{
		{"in order", []string{"1", "2", "3"}, 0},
		{"one overtaken", []string{"2", "1", "3"}, 1},
		{"two overtaken", []string{"3", "1", "2"}, 2},
		{"only first sends count", []string{"1", "2", "1", "3", "2"}, 0},
		{"a gap is no disorder: the job in it never got to send", []string{"1", "3"}, 0},
		{"another priority may overtake", []string{"1", "2", "3", "4"}, 0},
		{"another conversation may overtake", []string{"5", "1", "2", "3"}, 0},
		{"strangers are left out", []string{"9", "3", "", "8"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var sends []metasim.Send
			for _, job := range c.sends {
				sends = append(sends, metasim.Send{Job: job})
			}
			require.Equal(t, c.want, outOfOrder(accepted, sends))
		})
	}
}

// TestOrderDoesNotTrustIDsAlone: ids handed out against the order in which the
// callers got their answers are disorder too.
func TestOrderDoesNotTrustIDsAlone(t *testing.T) {
	t.Parallel()
	accepted := []acceptance{
		{job: 8, asked: time.Unix(1, 0), answered: time.Unix(2, 0)},
		{job: 7, asked: time.Unix(3, 0), answered: time.Unix(4, 0)},
	}
	require.Equal(t, 1, outOfOrder(accepted, []metasim.Send{{Job: "7"}, {Job: "8"}}))
}

// TestAnyOrderedRunIsInOrder: with overlapping calls and repeated sends, sends
// in order of the ids are never called disorder if ids follow time.
func TestAnyOrderedRunIsInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var accepted []acceptance
		var sends []metasim.Send
		now := time.Unix(1000, 0)
		for id := range rapid.IntRange(0, 30).Draw(t, "n") {
			now = now.Add(time.Duration(rapid.IntRange(1, 50).Draw(t, "step")) * time.Millisecond)
			accepted = append(accepted, acceptance{
				job: int64(id + 1), conversation: strconv.Itoa(rapid.IntRange(0, 2).Draw(t, "conversation")),
				asked: now.Add(-time.Duration(rapid.IntRange(0, 200).Draw(t, "asked")) * time.Millisecond), answered: now,
			})
			for range rapid.IntRange(0, 2).Draw(t, "sends") {
				sends = append(sends, metasim.Send{Job: strconv.Itoa(id + 1)})
			}
		}
		require.Zero(t, outOfOrder(accepted, sends))
	})
}
