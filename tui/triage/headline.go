package triage

import (
	"strconv"
	"strings"

	"github.com/bandeja/inboxd/admin"
)

// Trouble is a number of things that need a look.
type Trouble struct {
	Kind string // silent, uncertain or dead
	N    int64
	Text string // "2 processes silent", "3 uncertain", "2 dead"
}

// Troubles lists what needs a look although the server answers: processes
// without a heartbeat, and jobs somebody must decide about.
func Troubles(s admin.Status) []Trouble {
	silent, uncertain, dead := int64(0), int64(0), int64(0)
	for _, p := range s.Processes {
		if HealthOf(p) == Mute {
			silent++
		}
	}
	for _, q := range s.Queues {
		uncertain += q.Uncertain
		dead += q.Dead
	}
	processes := " processes silent"
	if silent == 1 {
		processes = " process silent"
	}
	var all []Trouble
	for _, t := range []Trouble{
		{"silent", silent, processes}, {"uncertain", uncertain, " uncertain"}, {"dead", dead, " dead"},
	} {
		if t.N > 0 {
			t.Text = strconv.FormatInt(t.N, 10) + t.Text
			all = append(all, t)
		}
	}
	return all
}

// Verdict is the one word on a server: whether it does its work.
func Verdict(s admin.Status) string {
	if s.Healthy {
		return "healthy"
	}
	return "NOT HEALTHY"
}

// Headline is the verdict with the troubles, in one line.
func Headline(s admin.Status) string {
	words := []string{Verdict(s)}
	for _, t := range Troubles(s) {
		words = append(words, t.Text)
	}
	return strings.Join(words, ", ")
}
