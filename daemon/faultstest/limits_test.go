package faultstest_test

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// stalled is how many sends over its limit an org may have in a window at Meta:
// what workers held back, for the fifteen seconds of a ticket, or frozen.
const stalled = 3 * slots

// checkLimits (I6): whatever happened to Redis and to limits, the tight org had
// no more of an action at Meta than its limit in any stretch of a minute.
func (b *books) checkLimits(accounts map[string]bool, until time.Time) (all []finding) {
	for action, kind := range map[job.Action]string{job.ActionSendText: "text", job.ActionSendTemplate: "template"} {
		rate := job.DefaultRate(action)
		var at []time.Time
		for _, s := range b.sends {
			if accounts[s.Account] && s.Type == kind && s.At.Before(until) {
				at = append(at, s.At)
			}
		}
		for i := range at {
			if most := rate.N + stalled; i >= most && at[i].Sub(at[i-most]) < rate.Window {
				all = append(all, found(otherwise, at[i], "%s: more than %d sends within %s of %s", action, most, rate.Window, at[i]))
				break
			}
		}
	}
	return all
}

// checkPauses (I10): between the acknowledgement of a pause by all processes
// and its end nothing of it starts.
func (b *books) checkPauses(pauses []pause) (all []finding) {
	for _, e := range b.entries {
		for _, r := range b.runs(e) {
			for _, p := range pauses {
				if e.Org == p.org && e.Queue.String() == p.queue && r.start.After(p.from) && r.start.Before(p.to) {
					all = append(all, found(otherwise, r.start, "job %d started while %s was paused since %s", e.ID, p.org, p.from))
				}
			}
		}
	}
	return all
}
