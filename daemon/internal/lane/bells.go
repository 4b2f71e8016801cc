package lane

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// bells holds one broadcast per queue: a channel that is closed when there is
// work, and replaced.
type bells struct {
	mu   sync.Mutex
	by   map[string]chan struct{}
	self string // what we publish is signed with
}

func newBells(queues []job.Queue) *bells {
	b := &bells{by: map[string]chan struct{}{}, self: rand.Text()}
	for _, q := range queues {
		b.by[q.String()] = make(chan struct{})
	}
	return b
}

// of returns the channel that the next ring will close; nil for a queue we do
// not serve.
func (b *bells) of(queue string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.by[queue]
}

func (b *bells) ring(queue string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.by[queue]; ok {
		close(c)
		b.by[queue] = make(chan struct{})
	}
}

// message is what is published for a queue: signed, because whoever publishes it
// has rung here already.
func (b *bells) message(queue string) string { return queue + " " + b.self }

// hear rings for a wake-up that somebody else has published.
func (b *bells) hear(message string) {
	if queue, sender, _ := strings.Cut(message, " "); sender != b.self {
		b.ring(queue)
	}
}

// listen rings on every published wake-up until ctx ends; it comes back by
// itself after an outage.
func (b *bells) listen(ctx context.Context, client redis.UniversalClient) {
	for ctx.Err() == nil {
		sub := client.Subscribe(ctx, wakeChannel)
		for m := range messages(ctx, sub) {
			b.hear(m.Payload)
		}
		_ = sub.Close()
		select {
		case <-time.After(outageWait):
		case <-ctx.Done():
		}
	}
}

// messages ends with ctx or with the subscription.
func messages(ctx context.Context, sub *redis.PubSub) func(yield func(*redis.Message) bool) {
	return func(yield func(*redis.Message) bool) {
		in := sub.Channel(redis.WithChannelHealthCheckInterval(3 * time.Second))
		for {
			select {
			case m, ok := <-in:
				if !ok || !yield(m) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}
