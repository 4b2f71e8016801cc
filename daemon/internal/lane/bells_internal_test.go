package lane

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// What was enqueued here has rung here already: to look again would cost a round
// trip per job. A wake-up of another process, or of a version that does not sign,
// must never be missed.
func TestOwnWakeUpsAreNotHeardAgain(t *testing.T) {
	t.Parallel()
	b, other := newBells([]job.Queue{job.WhatsApp}), newBells(nil)
	rings := func(message string) bool {
		c := b.of("whatsapp")
		b.hear(message)
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	require.False(t, rings(b.message("whatsapp")))
	require.True(t, rings(other.message("whatsapp")))
	require.True(t, rings("whatsapp"))
	require.False(t, rings(other.message("instagram")), "not served here")
}
