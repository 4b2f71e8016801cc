package dispatch

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Ring opens the division of places to its property tests.
type Ring struct{ r ring }

// Share divides n places between orgs of these weights and rooms.
func (r *Ring) Share(orgs []int64, weights, rooms []int, n int) []int {
	lines := make([]line, len(orgs))
	for i := range orgs {
		lines[i] = line{orgs[i], weights[i], rooms[i]}
	}
	return r.r.share(lines, n)
}

// Window opens the window to its test.
type Window struct{ w window }

// Note takes how many tickets have expired.
func (w *Window) Note(expired, slots int, now time.Time) { w.w.note(expired, slots, now) }

// Handed takes how many jobs were handed out.
func (w *Window) Handed(n int) { w.w.handed(job.WhatsApp, n) }

// Size is the window of a queue without anything under way.
func (w *Window) Size(slots int) int {
	return w.w.left(job.Outlook{Slots: slots})[job.WhatsApp]
}
