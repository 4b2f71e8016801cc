package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Any order, any repetition and any batching of a set of statuses ends in the
// same place: as far as the furthest, with the first time of each.
func TestStatusesInAnyOrderProperty(t *testing.T) {
	t.Parallel()
	shared := database(t)
	b := shared.fork(t)
	c := b.customer("1", 0)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		id := fmt.Sprintf("o%d", n)
		r := b.reply(c)
		b.started(r)
		b.outcome(sent(r, inbox.Accepted, id))
		// A failure and a delivery contradict each other: then the order decides.
		words := rapid.SampledFrom([][]inbox.MessageStatus{
			{inbox.Sent, inbox.Delivered, inbox.Read}, {inbox.Sent, inbox.Failed},
		}).Draw(t, "words")
		updates := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) inbox.StatusUpdate {
			return inbox.StatusUpdate{
				Account: b.wa(), ProviderID: id, Status: rapid.SampledFrom(words).Draw(t, "status"),
				At: at(rapid.IntRange(1, 5).Draw(t, "second")), ErrorClass: "permission",
			}
		}), 1, 8).Draw(t, "updates")
		want := inbox.Accepted
		first := map[inbox.MessageStatus]int{}
		for _, u := range updates {
			want = max(want, u.Status)
			s := int(u.At.Sub(noon()).Seconds())
			if had, ok := first[u.Status]; !ok || s < had {
				first[u.Status] = s
			}
		}
		for len(updates) > 0 {
			size := rapid.IntRange(1, len(updates)).Draw(t, "size")
			b.ingest(inbox.Batch{Statuses: updates[:size]})
			updates = updates[size:]
		}
		m := b.message(r.MessageID)
		require.Equal(t, want, m.Status)
		for status, got := range map[inbox.MessageStatus]float64{
			inbox.Sent: m.SentAt.Sub(noon()).Seconds(), inbox.Delivered: m.DeliveredAt.Sub(noon()).Seconds(),
			inbox.Read: m.ReadAt.Sub(noon()).Seconds(), inbox.Failed: m.FailedAt.Sub(noon()).Seconds(),
		} {
			if second, ok := first[status]; ok {
				require.InDelta(t, float64(second), got, 0.001, status)
			}
		}
	})
}

// event is something said in a conversation at a second.
type event struct {
	answer bool
	second int
	id     string
}

// naive walks through events in the order of time, as a person would.
func naive(events []event) []episode {
	var all []episode
	open := -1
	for _, e := range events {
		switch {
		case !e.answer && open < 0:
			all = append(all, episode{First: len(all) == 0, Start: e.second, Due: e.second + 300, Answered: -1})
			open = len(all) - 1
		case e.answer && open >= 0:
			all[open].Answered = e.second
			open = -1
		}
	}
	return all
}

func (b *bundle) batchOf(events []event, contact inbox.Contact) inbox.Batch {
	var batch inbox.Batch
	for _, e := range events {
		if e.answer {
			batch.Echoes = append(batch.Echoes, inbox.Echo{Account: b.wa(), ProviderID: e.id, Contact: contact, Kind: inbox.KindText, At: at(e.second)})
		} else {
			in := b.says(e.id, at(e.second))
			in.Contact = contact
			batch.Inbound = append(batch.Inbound, in)
		}
	}
	return batch
}

// talk draws questions and answers at different seconds.
func talk(t *rapid.T, prefix string) []event {
	seconds := rapid.SliceOfNDistinct(rapid.IntRange(0, 30), 1, 8, rapid.ID).Draw(t, "seconds")
	slices.Sort(seconds)
	var events []event
	for i, s := range seconds {
		events = append(events, event{rapid.Bool().Draw(t, "answer"), s, fmt.Sprintf("%s.%d", prefix, i)})
	}
	return events
}

func TestEpisodesProperty(t *testing.T) {
	t.Parallel()
	shared := database(t)

	// Delivered in order, in batches of any size and some of them twice, the
	// episodes are those of the naive walk.
	t.Run("InOrder", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		b.clock.set(at(100))
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			n++
			contact := inbox.Contact{UserID: fmt.Sprintf("in%d", n)}
			events := talk(t, contact.UserID)
			for rest := events; len(rest) > 0; {
				size := rapid.IntRange(1, len(rest)).Draw(t, "size")
				again := rapid.IntRange(0, len(events)-len(rest)).Draw(t, "again")
				b.ingest(b.batchOf(events[len(events)-len(rest)-again:len(events)-len(rest)+size], contact))
				rest = rest[size:]
			}
			got := clearIDs(b.episodes(b.talkOf(contact)))
			want := naive(events)
			if want == nil {
				want = []episode{}
			}
			require.Equal(t, want, got)
		})
	})

	// Delivered in any order, what is open in the end is what the naive walk
	// leaves open.
	t.Run("InAnyOrder", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		b.clock.set(at(100))
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			n++
			contact := inbox.Contact{UserID: fmt.Sprintf("any%d", n)}
			events := talk(t, contact.UserID)
			for _, e := range rapid.Permutation(append(slices.Clone(events), events...)).Draw(t, "order") {
				b.ingest(b.batchOf([]event{e}, contact))
			}
			require.Equal(t, openOf(naive(events)), openOf(b.episodes(b.talkOf(contact))))
		})
	})
}

// openOf returns where the open episode starts, -1 for none.
func openOf(all []episode) int {
	for _, e := range all {
		if e.Answered < 0 {
			return e.Start
		}
	}
	return -1
}

func (b *bundle) talkOf(c inbox.Contact) int64 {
	return int64(b.count(`SELECT v.id FROM conversations v JOIN contacts k ON k.id = v.contact_id WHERE k.user_id = $1 AND k.org_id = $2`, c.UserID, b.org.ID))
}
