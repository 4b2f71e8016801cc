package metasim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

var bodyPattern = regexp.MustCompile(`"body":"(\d+)"`)

// write lets a customer write the texts 0 to n-1.
func write(t *testing.T, sim *metasim.Sim, n int) {
	t.Helper()
	for i := range n {
		_, err := sim.Inbound(number, mira, fmt.Sprint(i))
		require.NoError(t, err)
	}
}

// texts lists the texts of customers in the order they were posted.
func texts(hook *callback) []string {
	out := []string{}
	for _, found := range bodyPattern.FindAllStringSubmatch(strings.Join(hook.got(), "\n"), -1) {
		out = append(out, found[1])
	}
	return out
}

// Anything but 200 is repeated with the same bytes until there is a 200, and
// only then the message counts as acknowledged: `lost` is counted from that.
func TestRetryUntil200(t *testing.T) {
	t.Parallel()
	sim, hook := startWith(t, metasim.Settings{RetryFirstMS: 1, RetryMaxMS: 4})
	hook.answers(func(n int) int {
		return []int{http.StatusInternalServerError, http.StatusNoContent, http.StatusFound, http.StatusUnauthorized, http.StatusOK}[n-1]
	})
	write(t, sim, 1)
	drain(t, sim)
	got := hook.got()
	require.Len(t, got, 5)
	for _, body := range got {
		require.Equal(t, got[0], body)
	}
	rec := sim.Inbounds(0)[0]
	require.Equal(t, 5, rec.Posts)
	require.Equal(t, 1, rec.OKPosts)
	require.False(t, rec.OKAt.IsZero())
	stats := sim.Stats().Webhooks
	require.Equal(t, int64(1), stats.Received)
	require.Equal(t, int64(4), stats.Rejected)
	require.Zero(t, stats.Pending)
}

// A receiver that is away, or answers too late, gets everything when it is back.
func TestReceiverAway(t *testing.T) {
	t.Parallel()
	hook := newCallback(t)
	sim := start(t, metasim.Options{AppSecret: secret, Settings: metasim.Settings{RetryFirstMS: 1, RetryMaxMS: 8, TimeoutMS: 20}})
	write(t, sim, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, sim.Drain(ctx), context.DeadlineExceeded)
	require.Equal(t, 3, sim.Stats().Webhooks.Pending)
	require.True(t, sim.Inbounds(0)[0].OKAt.IsZero())

	sim.SetWebhook("http://127.0.0.1:1/", secret)
	require.Eventually(t, func() bool { return sim.Stats().Webhooks.Failed > 0 }, 5*time.Second, time.Millisecond)

	release := make(chan struct{})
	hook.answers(func(n int) int {
		if n == 1 {
			<-release
		}
		return http.StatusOK
	})
	failed := sim.Stats().Webhooks.Failed
	sim.SetWebhook(hook.URL, secret)
	require.Eventually(t, func() bool { return sim.Stats().Webhooks.Failed > failed }, 5*time.Second, time.Millisecond)
	close(release)
	drain(t, sim)
	require.Equal(t, metasim.InboundStats{Written: 3, Acknowledged: 3}, sim.Stats().Inbound)
}

// Batches: as much as allowed in one POST, sorted into entries and changes.
func TestBatches(t *testing.T) {
	t.Parallel()
	sim, hook := startWith(t, metasim.Settings{BatchMax: 4, BatchWaitMS: 60_000})
	require.NoError(t, sim.AddAccount(metasim.Account{Kind: metasim.WhatsApp, ID: "202", BusinessID: "102", Token: "other"}))
	for i, account := range []string{number, number, "202", number, instagram, instagram} {
		_, err := sim.Inbound(account, mira, fmt.Sprint(i))
		require.NoError(t, err)
	}
	drain(t, sim)
	got := hook.got()
	require.Len(t, got, 2)
	bodies := map[bool]string{}
	for _, body := range got {
		require.True(t, json.Valid([]byte(body)))
		bodies[strings.Contains(body, `"object":"instagram"`)] = body
	}
	require.Equal(t, 3, strings.Count(bodies[false], `"changes"`))
	require.Equal(t, 3, strings.Count(bodies[false], `"contacts"`))
	require.Equal(t, 4, strings.Count(bodies[false], `"from"`))
	require.Equal(t, 1, strings.Count(bodies[true], `"messaging":`))
	require.Equal(t, 2, strings.Count(bodies[true], `"sender"`))
}

// Duplicates and disorder must really happen, and the same way for one seed:
// a suite that passes without them proves nothing.
func TestDuplicatesAndDisorder(t *testing.T) {
	t.Parallel()
	sim, hook := startWith(t, metasim.Settings{BatchMax: 10, BatchWaitMS: 60_000, DuplicateShare: 0.2, ReorderShare: 1})
	write(t, sim, 50)
	drain(t, sim)
	said := texts(hook)
	require.Greater(t, len(said), 50)
	require.Equal(t, int64(len(said)-50), sim.Stats().Webhooks.Duplicated)
	seen := map[string]bool{}
	inOrder, last := true, -1
	for _, text := range said {
		var n int
		_, err := fmt.Sscan(text, &n)
		require.NoError(t, err)
		inOrder = inOrder && n >= last
		last = n
		seen[text] = true
	}
	require.False(t, inOrder)
	require.Len(t, seen, 50)
	for _, rec := range sim.Inbounds(0) {
		require.Positive(t, rec.OKPosts)
	}
}

// Latency and lateness delay a webhook; a drain does not wait for them, and
// never stamps an event with a time that has not come.
func TestLatenessAndDrain(t *testing.T) {
	t.Parallel()
	minute := metasim.Span{MinMS: 60_000, MaxMS: 90_000}
	sim, hook := startWith(t, metasim.Settings{
		Sent: minute, Delivered: minute, Read: minute, ReadShare: 1, Webhook: minute, LateShare: 1, Late: minute,
	})
	write(t, sim, 3)
	require.Equal(t, 200, do(t, sim, waText("1.1")).status)
	require.Empty(t, hook.got())
	drain(t, sim)
	require.Len(t, texts(hook), 3)
	said := strings.Join(hook.got(), "")
	for _, found := range regexp.MustCompile(`"timestamp":"(\d+)"`).FindAllStringSubmatch(said, -1) {
		require.LessOrEqual(t, found[1], fmt.Sprint(time.Now().Unix()))
	}
	for _, status := range []string{"sent", "delivered", "read"} {
		require.Contains(t, said, `"status":"`+status+`"`)
	}
	drain(t, sim)
}

// With an open chat Meta skips delivered: read implies it.
func TestDeliveredCanBeSkipped(t *testing.T) {
	t.Parallel()
	sim, hook := startWith(t, metasim.Settings{ReadShare: 1, SkipDeliveredShare: 1})
	require.Equal(t, 200, do(t, sim, waText("1.1")).status)
	drain(t, sim)
	said := strings.Join(hook.got(), "")
	require.Contains(t, said, `"status":"read"`)
	require.NotContains(t, said, `"status":"delivered"`)
}

// A status or echo can be there before the answer of the send: the store must
// find the message by its callback data, or park what it does not know.
func TestWebhookBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	sim, hook := startWith(t, metasim.Settings{EarlyShare: 1, BatchWaitMS: 60_000})
	for i, c := range []call{waText("1.1"), igText("2.1")} {
		require.Equal(t, 200, do(t, sim, c).status)
		require.Contains(t, strings.Join(hook.got(), ""), sim.Sends(0)[i].ProviderID)
	}
	drain(t, sim)
}

// Without a receiver an early webhook cannot come; the answer must.
func TestEarlyWithoutReceiver(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{Settings: metasim.Settings{EarlyShare: 1}})
	require.Equal(t, 200, do(t, sim, waText("1.1")).status)
}

func TestInboundFaults(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	for _, bad := range []struct {
		account string
		from    metasim.Contact
	}{{"42", mira}, {number, metasim.Contact{Name: "Mira"}}, {instagram, metasim.Contact{WaID: "1"}}} {
		_, err := sim.Inbound(bad.account, bad.from, "hi")
		require.Error(t, err)
	}
	require.Empty(t, sim.Inbounds(0))
}

// Everything at once, as in a demo: nothing may be lost in the simulator
// itself, or its report would blame inboxd.
func TestUsualDayUnderLoad(t *testing.T) {
	t.Parallel()
	set := metasim.Usual()
	set.RetryFirstMS = 1
	sim, hook := startWith(t, set)
	hook.answers(func(n int) int {
		if n%5 == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	const senders, each = 8, 15
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%d.1", sender*each+i)
				if res := do(t, sim, waText(id)); res.status != http.StatusOK {
					t.Errorf("send %s: status %d, %v", id, res.status, res.err)
				}
				if _, err := sim.Inbound(instagram, metasim.Contact{UserID: igUser}, id); err != nil {
					t.Errorf("inbound %s: %v", id, err)
				}
			}
		})
	}
	group.Wait()
	drain(t, sim)
	stats := sim.Stats()
	require.Equal(t, senders*each, stats.Sends.Accepted)
	require.Empty(t, sim.Duplicates())
	require.Equal(t, metasim.InboundStats{Written: senders * each, Acknowledged: senders * each}, stats.Inbound)
	require.Positive(t, stats.Webhooks.Rejected)
	require.Positive(t, stats.Webhooks.P50MS)
	require.GreaterOrEqual(t, stats.Webhooks.P99MS, stats.Webhooks.P50MS)
	said := strings.Join(hook.got(), "")
	for _, send := range sim.Sends(0) {
		require.Contains(t, said, `"id":"`+send.ProviderID+`","status":"sent"`)
	}
}
