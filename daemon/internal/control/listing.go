package control

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
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

// WithDrained returns the snapshot with these processes drained.
func (s *Snapshot) WithDrained(processes []int64) *Snapshot {
	c := *s
	c.drained = processes
	return &c
}

// Drained reports whether an operator has asked this process to take no work.
func (s *Snapshot) Drained(process int64) bool { return slices.Contains(s.drained, process) }

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

// LimitChange is one change of one limit of an org. Before is nil where the
// default was in force, After where it is again.
type LimitChange struct {
	ID, OrgID     int64
	Name          string
	Before, After *Limit // only name, value and window are set
	Owner, Reason string
	At            time.Time
	ExpiresAt     time.Time // of what was set; zero: it lasts
	EndedAt       time.Time // when a later change ended what was set; zero: none did
	EndedBy       string    // who made that change
}

// LimitReset takes values of one org away: those of these names, all if there are
// none.
type LimitReset struct {
	OrgID         int64
	Names         []string
	Temporary     bool // only the temporary ones: the lasting ones behind them hold again
	Owner, Reason string
}

// WithLimits returns the snapshot as it would be with these limits set, lasting
// ones if lasts is 0: for a look before a change.
func (s *Snapshot) WithLimits(limits []Limit, lasts time.Duration, now time.Time) *Snapshot {
	c := s.clone()
	for _, l := range limits {
		k := limitKey{l.OrgID, l.Name}
		l.SetAt = now
		if lasts == 0 {
			c.lasting[k] = l
			delete(c.brief, k)
			continue
		}
		l.ExpiresAt = now.Add(lasts)
		c.brief[k] = l
	}
	return c
}

// WithoutLimits returns the snapshot as it would be after a reset.
func (s *Snapshot) WithoutLimits(r LimitReset) *Snapshot {
	names := r.Names
	if len(names) == 0 {
		names = Names()
	}
	c := s.clone()
	for _, name := range names {
		delete(c.brief, limitKey{r.OrgID, name})
		if !r.Temporary {
			delete(c.lasting, limitKey{r.OrgID, name})
		}
	}
	return c
}

func (s *Snapshot) clone() *Snapshot {
	c := *s
	c.lasting, c.brief = maps.Clone(s.lasting), maps.Clone(s.brief)
	return &c
}
