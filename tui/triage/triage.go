// Package triage says which queues and processes need a look, and in which
// order, and in which words: the live view and the command line agree because
// both ask here. It owns those judgements; it refuses to write or draw anything.
package triage

import (
	"cmp"
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
)

const (
	// TooOld is when the oldest ready job of a queue is a breach.
	TooOld = time.Minute
	// Silent is how old the heartbeat of a process may get before somebody
	// should look.
	Silent = 10 * time.Second
)

// Severity is how badly a queue needs a look.
type Severity int

// The severities.
const (
	Well   Severity = iota // nothing to do
	Decide                 // somebody must decide about dead or uncertain jobs
	Breach                 // customers wait
)

// Of returns how badly a queue needs a look.
func Of(q admin.Queue) Severity {
	switch {
	case Old(q):
		return Breach
	case q.Dead > 0 || q.Uncertain > 0:
		return Decide
	}
	return Well
}

// Old reports whether the oldest ready job has waited too long.
func Old(q admin.Queue) bool {
	return q.OldestReadyMS != nil && *q.OldestReadyMS >= TooOld.Milliseconds()
}

// WorstFirst returns a sorted copy. Queues that are equally bad keep the
// server's order: a row moves only when it gets better or worse, so that a
// screen is quiet when all is well.
func WorstFirst(queues []admin.Queue) []admin.Queue {
	sorted := slices.Clone(queues)
	slices.SortStableFunc(sorted, func(a, b admin.Queue) int { return cmp.Compare(Of(b), Of(a)) })
	return sorted
}

// Health is how a process is.
type Health string

// The healths; those that need a look sort last.
const (
	Alive    Health = "alive"
	Draining Health = "draining" // an operator drains it, and it still runs jobs
	Drained  Health = "drained"  // by an operator, who can take that back; it runs nothing
	Leaving  Health = "leaving"  // by itself, as a restart does
	Mute     Health = "silent"
)

// HealthOf returns how a process is.
func HealthOf(p admin.Process) Health {
	switch {
	case p.BeatAgeMS >= Silent.Milliseconds():
		return Mute
	case !p.Draining:
		return Alive
	case p.DrainedBy == nil:
		return Leaving
	case p.Running != nil && *p.Running == 0:
		return Drained
	}
	return Draining
}
