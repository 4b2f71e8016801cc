package lane

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

func rang(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A copy that was enqueued here must not wait until Redis has told us so, and
// must not make us look twice; one of another process must never be missed.
func TestOwnWakeUpsAreHeardOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const queue = "whatsapp"
		b := newBells([]job.Queue{job.WhatsApp})

		c := b.of(queue)
		b.tell(queue)
		require.True(t, rang(c), "at once")
		c = b.of(queue)
		b.hear(queue)
		require.False(t, rang(c), "our own comes back")
		b.hear(queue)
		require.True(t, rang(c), "somebody else's")

		b.tell(queue) // its publication gets lost
		<-time.After(echoLife + time.Millisecond)
		c = b.of(queue)
		b.hear(queue)
		require.True(t, rang(c), "somebody else's, later")

		b.tell(queue)
		c = b.of(queue)
		b.hear(queue)
		require.False(t, rang(c), "the lost one is forgotten")
		b.hear(queue)
		require.True(t, rang(c))
	})
}
