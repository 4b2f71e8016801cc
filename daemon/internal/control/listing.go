package control

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// MaxRate is the largest number of a rate, and MaxConcurrency the largest
// concurrency: more is a slip of the finger, not a limit.
const (
	MaxRate        = 1_000_000
	MaxConcurrency = 10_000
)

// Names lists everything that can be set per org, in the order operators see
// it.
func Names() []string {
	var names []string
	for _, a := range job.Actions() {
		names = append(names, string(a))
	}
	return append(names, Weight, Concurrency)
}

// Active reports whether the hold still counts at now.
func (h Hold) Active(now time.Time) bool { return h.ExpiresAt.IsZero() || now.Before(h.ExpiresAt) }

// Active returns every hold that counts at now, oldest first.
func (s *Snapshot) Active(now time.Time) []Hold {
	active := make([]Hold, 0, len(s.holds))
	for _, h := range s.holds {
		if h.Active(now) {
			active = append(active, h)
		}
	}
	slices.SortFunc(active, func(a, b Hold) int { return cmp.Compare(a.ID, b.ID) })
	return active
}

// Lasting returns the value that stands behind a temporary one, and whether
// there is any.
func (s *Snapshot) Lasting(orgID int64, name string) (Limit, bool) {
	l, ok := s.lasting[limitKey{orgID, name}]
	return l, ok
}

// Dials returns a copy of what operators have set.
func (s *Snapshot) Dials() map[job.Queue]int { return maps.Clone(s.dials) }

// Ack is one live process, and whether it has applied a version.
type Ack struct {
	ID    int64 // in workers
	Host  string
	PID   int
	Mode  string
	Acked bool
}
