package inbox_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Meta's statuses come twice, late and out of order; the agent must never see a
// read message become merely sent again, or a delivered one fail.
func TestStatusesOnlyMoveForward(t *testing.T) {
	t.Parallel()
	all := []inbox.MessageStatus{
		inbox.Queued, inbox.Accepted, inbox.Sent, inbox.Delivered, inbox.Read, inbox.Failed, inbox.Uncertain, inbox.Received,
	}
	want := map[inbox.MessageStatus][]inbox.MessageStatus{
		inbox.Queued:    {inbox.Accepted, inbox.Sent, inbox.Delivered, inbox.Read, inbox.Failed, inbox.Uncertain},
		inbox.Accepted:  {inbox.Sent, inbox.Delivered, inbox.Read, inbox.Failed},
		inbox.Sent:      {inbox.Delivered, inbox.Read, inbox.Failed},
		inbox.Delivered: {inbox.Read},
		inbox.Read:      nil,
		inbox.Failed:    nil, // only a new attempt leaves it
		inbox.Uncertain: {inbox.Accepted, inbox.Sent, inbox.Delivered, inbox.Read, inbox.Failed},
		inbox.Received:  nil,
	}
	for _, from := range all {
		for _, to := range all {
			require.Equal(t, slices.Contains(want[from], to), from.Advances(to), "%s to %s", from, to)
		}
		require.False(t, from.Advances(-1))
		require.False(t, from.Advances(99))
	}
}

// In whatever order the provider's words arrive, the message ends at the
// furthest of them; a failure counts unless it was delivered before.
func TestStatusesConverge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]inbox.MessageStatus{inbox.Accepted, inbox.Sent, inbox.Delivered, inbox.Read}), 1, 8).Draw(rt, "statuses")
		s := inbox.Queued
		for _, w := range words {
			if s.Advances(w) {
				s = w
			}
			require.False(rt, s.Advances(w), "the same word twice changes nothing")
		}
		require.Equal(rt, slices.Max(words), s)
		require.Equal(rt, s < inbox.Delivered, s.Advances(inbox.Failed))
	})
}

func TestStatusWords(t *testing.T) {
	t.Parallel()
	var words []string
	for s := inbox.Queued; s <= inbox.Received; s++ {
		words = append(words, s.String())
	}
	require.Equal(t, []string{"queued", "accepted", "sent", "delivered", "read", "failed", "uncertain", "received"}, words)
	require.Equal(t, "unknown", inbox.MessageStatus(-1).String())
	require.Equal(t, "unknown", inbox.MessageStatus(8).String())
}

// Meta refuses free-form text a day after the customer's last message.
func TestWindowOpen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	require.False(t, inbox.WindowOpen(time.Time{}, now), "the customer never wrote")
	require.True(t, inbox.WindowOpen(now, now))
	require.True(t, inbox.WindowOpen(now.Add(time.Hour), now), "a provider clock ahead of ours")
	require.True(t, inbox.WindowOpen(now.Add(-inbox.Window+1), now))
	require.False(t, inbox.WindowOpen(now.Add(-inbox.Window), now))
	require.False(t, inbox.WindowOpen(now.Add(-inbox.Window-1), now))
}

// Which inbound messages open the window, and which of these a human should
// answer.
func TestKinds(t *testing.T) {
	t.Parallel()
	cases := map[inbox.MessageKind]struct{ window, clock bool }{
		inbox.KindText: {true, true}, inbox.KindImage: {true, true}, inbox.KindVideo: {true, true}, inbox.KindAudio: {true, true},
		inbox.KindDocument: {true, true}, inbox.KindSticker: {true, true}, inbox.KindLocation: {true, true},
		inbox.KindContacts: {true, true}, inbox.KindButton: {true, true}, inbox.KindInteractive: {true, true},
		inbox.KindPostback: {true, true}, inbox.KindOrder: {true, true}, inbox.KindShare: {true, true},
		inbox.KindStoryMention: {true, true}, inbox.KindUnsupported: {true, false},
		inbox.KindReaction: {}, inbox.KindEdit: {}, inbox.KindRevoke: {}, inbox.KindReferral: {}, inbox.KindTemplate: {}, inbox.KindUnknown: {},
	}
	for kind, want := range cases {
		require.Equal(t, want.window, kind.OpensWindow(), kind)
		require.Equal(t, want.clock, kind.StartsClock(), kind)
	}
}
