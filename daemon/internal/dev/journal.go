package dev

import (
	"maps"
	"slices"
	"sync"
)

// journal is the agents' own record: every 202 they got, and what else the API
// answered. Safe for concurrent use.
type journal struct {
	keep bool // the acceptances, for a report; a run without end would pile them up

	mu       sync.Mutex
	count    int
	accepted []acceptance
	seen     map[int64]bool
	refusals map[string]int // by status and code
	retries  int
}

func newJournal(keep bool) *journal {
	return &journal{keep: keep, seen: map[int64]bool{}, refusals: map[string]int{}}
}

// accept notes a 202. A job that comes again (a replayed answer) counts once.
func (j *journal) accept(a acceptance) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.seen[a.job] {
		return
	}
	if j.keep {
		j.seen[a.job] = true
		j.accepted = append(j.accepted, a)
	}
	j.count++
}

func (j *journal) refuse(why string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refusals[why]++
}

func (j *journal) retry() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.retries++
}

func (j *journal) acceptances() []acceptance {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.accepted)
}

// summary tells how the API treated the agents, beside the 202s.
func (j *journal) summary(say func(format string, args ...any)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	say("%d messages accepted, %d calls repeated", j.count, j.retries)
	for _, why := range slices.Sorted(maps.Keys(j.refusals)) {
		say("  %d times: %s", j.refusals[why], why)
	}
}
