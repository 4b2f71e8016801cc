package lane

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// answers are n of so many commands that brought a copy; the others found none.
func answers(asked, n int) (all []*redis.Cmd) {
	for i := range asked {
		c := redis.NewCmd(context.Background())
		if i < n {
			c.SetVal(i)
		} else {
			c.SetErr(redis.Nil)
		}
		all = append(all, c)
	}
	return all
}

func withFree(n int) *basket { return newBasket(func(job.Queue) int { return n }) }

// A queue with one job now and then must cost one command each time, a full one
// few round trips.
func TestBasketAsksForMoreWhileThereIsMore(t *testing.T) {
	t.Parallel()
	b := withFree(1000)
	for _, want := range []int{1, 2, 4, 8, 16, 32, 64, 64} {
		n := b.begin("whatsapp")
		require.Equal(t, want, n)
		require.NoError(t, b.put("whatsapp", answers(n, n)).Err())
	}
	require.Equal(t, 1, b.begin("instagram"), "each queue by itself")
	n := b.begin("whatsapp")
	b.put("whatsapp", answers(n, n-1))
	require.Equal(t, 1, b.begin("whatsapp"), "it was empty")
}

// What is fetched here nobody else can run: never more than could begin here,
// all that is held and asked for counted together.
func TestBasketHoldsNoMoreThanCanBegin(t *testing.T) {
	t.Parallel()
	b := withFree(5)
	for range 3 {
		n := b.begin("whatsapp")
		b.put("whatsapp", answers(n, n))
		for range n - 1 {
			require.NotNil(t, b.take("whatsapp"))
		}
	}
	require.Equal(t, 5, b.begin("whatsapp"))
	require.Equal(t, 1, b.begin("whatsapp"), "four are asked for beyond the first")
	require.Equal(t, 1, b.begin("instagram"))
	require.Equal(t, 1, withFree(0).begin("whatsapp"), "a Server that asks has room for one")
}

// Copies are handed out once each, in order, and what went wrong is told only
// where there is nothing to give.
func TestBasketGivesWhatItHolds(t *testing.T) {
	t.Parallel()
	b := withFree(10)
	b.next["whatsapp"] = 4
	require.Equal(t, 4, b.begin("whatsapp"))
	first := b.put("whatsapp", answers(4, 3))
	require.Equal(t, 0, first.Val())
	require.Equal(t, 1, b.take("whatsapp").Val())
	require.Nil(t, b.take("instagram"))
	require.Equal(t, 2, b.take("whatsapp").Val())
	require.Nil(t, b.take("whatsapp"))
	require.Zero(t, b.under)

	failed := answers(2, 0)
	failed[1].SetErr(errors.New("connection refused"))
	b.next["whatsapp"] = 2
	b.begin("whatsapp")
	require.ErrorContains(t, b.put("whatsapp", failed).Err(), "refused", "or the breaker would take it for an empty queue")
	require.Zero(t, b.under)
}

// Whoever stops pulling waits for what is held, but not for ever.
func TestBasketIsEmptiedBeforeAStop(t *testing.T) {
	t.Parallel()
	b := withFree(10)
	b.next["whatsapp"] = 2
	b.begin("whatsapp")
	b.put("whatsapp", answers(2, 2))
	require.False(t, b.emptied(20*time.Millisecond), "one is held")
	b.take("whatsapp")
	require.True(t, b.emptied(time.Minute))
}

func TestDequeueScriptIsKnownByItsKeys(t *testing.T) {
	t.Parallel()
	queue, ok := dequeues([]string{"asynq:{whatsapp}:pending", "asynq:{whatsapp}:paused", "asynq:{whatsapp}:active", "asynq:{whatsapp}:lease"})
	require.True(t, ok)
	require.Equal(t, "whatsapp", queue)
	for _, keys := range [][]string{
		nil,
		{"asynq:{whatsapp}:active", "asynq:{whatsapp}:lease", "asynq:{whatsapp}:t:1.1", "asynq:{whatsapp}:processed"},
		{"asynq:{whatsapp}:pending"},
	} {
		_, ok := dequeues(keys)
		require.False(t, ok, keys)
	}
}
