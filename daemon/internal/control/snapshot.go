// Package control holds what operators have set - holds, limits, weights, dials
// - as one immutable snapshot per version, and keeps a process's copy fresh. It
// owns the look-ups; it refuses SQL (the ledger stores it) and enforcement
// (dispatch, limit and the ledger's claims do that).
package control

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Names of what can be set per org beside the rates of job.Actions.
const (
	Weight      = "weight"      // share of an org when several wait; 1 is the default
	Concurrency = "concurrency" // most jobs of an org under way at once; none is the default
)

// MaxWeight is the largest weight of an org.
const MaxWeight = 10

// Hold is a pause that somebody owns. Zero fields mean any; an org's hold that
// names neither queue nor type spares token_refresh.
type Hold struct {
	ID        int64
	OrgID     int64
	Queue     job.Queue
	Type      job.Type
	Owner     string
	Reason    string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: until released
}

// Holds reports whether the hold covers jobs of this org, queue and type now.
func (h Hold) Holds(orgID int64, q job.Queue, t job.Type, now time.Time) bool {
	switch {
	case !h.ExpiresAt.IsZero() && !now.Before(h.ExpiresAt):
		return false
	case h.OrgID != 0 && h.OrgID != orgID, h.Queue != 0 && h.Queue != q, h.Type != 0 && h.Type != t:
		return false
	}
	return h.OrgID == 0 || h.Queue != 0 || h.Type != 0 || q != job.TokenRefresh
}

// Limit is one value of one org. Window is zero for weight and concurrency.
type Limit struct {
	OrgID     int64
	Name      string // an Action, Weight or Concurrency
	Value     int
	Window    time.Duration
	Owner     string
	Reason    string
	SetAt     time.Time
	ExpiresAt time.Time // zero: lasting
}

// Snapshot is everything operators have set, at one version. It is immutable
// and safe for concurrent use. The zero Snapshot holds nothing: all defaults.
type Snapshot struct {
	version int64
	holds   []Hold
	dials   map[job.Queue]int
	lasting map[limitKey]Limit
	brief   map[limitKey]Limit
	drained []int64 // processes, of workers
}

type limitKey struct {
	orgID int64
	name  string
}

// New returns a snapshot of these rows. Limits with an expiry stand in front of
// those without.
func New(version int64, holds []Hold, limits []Limit, dials map[job.Queue]int) *Snapshot {
	s := &Snapshot{version: version, holds: holds, dials: dials, lasting: map[limitKey]Limit{}, brief: map[limitKey]Limit{}}
	for _, l := range limits {
		k := limitKey{l.OrgID, l.Name}
		if l.ExpiresAt.IsZero() {
			s.lasting[k] = l
		} else {
			s.brief[k] = l
		}
	}
	return s
}

// Version only rises.
func (s *Snapshot) Version() int64 { return s.version }

// Holds returns the active holds that cover this org, queue and type.
func (s *Snapshot) Holds(orgID int64, q job.Queue, t job.Type, now time.Time) (covering []Hold) {
	for _, h := range s.holds {
		if h.Holds(orgID, q, t, now) {
			covering = append(covering, h)
		}
	}
	return covering
}

// Held reports whether any hold covers this org, queue and type.
func (s *Snapshot) Held(orgID int64, q job.Queue, t job.Type, now time.Time) bool {
	for _, h := range s.holds {
		if h.Holds(orgID, q, t, now) {
			return true
		}
	}
	return false
}

// Limit returns what is set for an org under this name, and whether anything
// is.
func (s *Snapshot) Limit(orgID int64, name string, now time.Time) (Limit, bool) {
	k := limitKey{orgID, name}
	if l, ok := s.brief[k]; ok && now.Before(l.ExpiresAt) {
		return l, true
	}
	l, ok := s.lasting[k]
	return l, ok
}

// Rate returns how often an org may do something.
func (s *Snapshot) Rate(orgID int64, a job.Action, now time.Time) job.Rate {
	if l, ok := s.Limit(orgID, string(a), now); ok {
		return job.Rate{N: l.Value, Window: l.Window}
	}
	return job.DefaultRate(a)
}

// Weight returns the share of an org, from 1 to MaxWeight.
func (s *Snapshot) Weight(orgID int64, now time.Time) int {
	if l, ok := s.Limit(orgID, Weight, now); ok {
		return min(max(l.Value, 1), MaxWeight)
	}
	return 1
}

// Concurrency returns the most jobs of an org that may be under way at once;
// false: no bound of its own.
func (s *Snapshot) Concurrency(orgID int64, now time.Time) (int, bool) {
	l, ok := s.Limit(orgID, Concurrency, now)
	return l.Value, ok
}

// Dial returns the percent of a queue's conversations that travel by Redis, or
// otherwise if nobody has set it.
func (s *Snapshot) Dial(q job.Queue, otherwise int) int {
	if d, ok := s.dials[q]; ok {
		return d
	}
	return otherwise
}
