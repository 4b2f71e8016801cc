package dev

import (
	"strconv"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// acceptance is one 202 of the public API, as its caller saw it.
type acceptance struct {
	job          int64
	org          string
	conversation string
	bulk         bool      // priority bulk; else interactive
	asked        time.Time // before the first try
	answered     time.Time // when the 202 had come
}

// thread is what an order is kept in: a conversation and a priority.
type thread struct {
	org, conversation string
	bulk              bool
}

// progress is how far the sends of a thread have come.
type progress struct {
	job   int64     // highest so far
	asked time.Time // latest so far
}

// outOfOrder counts the first sends of jobs that overtook: an earlier accepted
// message of the same conversation and priority was sent after a later one.
// Job ids tell which of two was accepted first; besides, a 202 that had come
// before the other was even asked for was certainly earlier.
func outOfOrder(accepted []acceptance, sends []metasim.Send) int {
	byJob := make(map[string]acceptance, len(accepted))
	for _, a := range accepted {
		byJob[strconv.FormatInt(a.job, 10)] = a
	}
	sent := map[thread]progress{}
	late := 0
	for _, s := range sends {
		a, ok := byJob[s.Job]
		if !ok {
			continue // somebody else's, or not the job's first send
		}
		delete(byJob, s.Job)
		t := thread{a.org, a.conversation, a.bulk}
		p := sent[t]
		if a.job < p.job || !p.asked.IsZero() && !a.answered.After(p.asked) {
			late++
		}
		p.job = max(p.job, a.job)
		if a.asked.After(p.asked) {
			p.asked = a.asked
		}
		sent[t] = p
	}
	return late
}
