package ledger_test

import "github.com/bandeja/inboxd/daemon/internal/job"

// table returns the transitions in the order of the design. T1 is the insert.
func table() *rules {
	notFinal := in(job.Scheduled, job.Ready, job.Dispatched, job.Running, job.Uncertain, job.Held)
	notBegun := in(job.Scheduled, job.Ready, job.Dispatched, job.Held)
	sure := in(job.Running, job.Uncertain)
	leaves := []guard{living, notHeld, notCool, notAsked}
	var ru rules
	for _, t := range []transition{
		{"T2", promote, in(job.Scheduled), nil, to(job.Ready)},
		{"T3", dispatch, in(job.Ready), leaves, handOut},
		{"T4", recall, in(job.Dispatched), []guard{sameEpoch}, to(job.Ready)},
		{"T4", recallOlder, in(job.Dispatched), nil, to(job.Ready)},
		{"T4", recallHeld, in(job.Dispatched), []guard{covered}, to(job.Ready)},
		{"T4", recallDial, in(job.Dispatched), nil, to(job.Ready)},
		{"T5", take, in(job.Ready), leaves, takeUp},
		{"T6", start, in(job.Dispatched), []guard{sameEpoch, living, notHeld, notAsked, fresh}, grant},
		{"T6 repeated", start, in(job.Running), []guard{sameEpoch, sameClaim, living, owns}, to(job.Running)},
		{"T6 sent back", start, in(job.Dispatched), []guard{sameEpoch, living}, to(job.Ready)},
		{"T7", succeed, notFinal, []guard{sameClaim}, to(inHistory)},
		{"T8", retry, sure, []guard{sameClaim}, again},
		{"T8", fail, sure, []guard{sameClaim}, to(job.Dead)},
		{"T9", throttle, sure, []guard{sameClaim}, func(r *record, _ act) { r.attempt--; r.state = job.Scheduled }},
		{"T10", doubt, in(job.Running), []guard{sameClaim, isOnce}, to(job.Uncertain)},
		{"T10 idempotent", doubt, sure, []guard{sameClaim, notOnce}, again},
		{"T11", release, sure, []guard{sameClaim}, giveBack},
		{"T4 paced", putBack, in(job.Dispatched), []guard{sameEpoch}, to(job.Ready)},
		{"T11 paced", putBack, in(job.Running), []guard{sameEpoch, sameClaim, owns}, giveBack},
		{"T4 paced", putOff, in(job.Dispatched), []guard{sameEpoch}, to(job.Scheduled)},
		{"T11 paced", putOff, in(job.Running), []guard{sameEpoch, sameClaim, owns}, func(r *record, _ act) { r.attempt--; r.state = job.Scheduled }},
		{"T11 stray", stray, in(job.Running), []guard{owns, notRunThere}, giveBack},
		{"T12", orphan, in(job.Running), []guard{ownerGone}, lose},
		{"T13", settle, notFinal, []guard{sameClaim, attempted}, to(inHistory)},
		{"T13", settleAny, notFinal, nil, to(inHistory)},
		{"T13", resolveSent, in(job.Uncertain), nil, to(inHistory)},
		{"T14", resolveNotSent, in(job.Uncertain), nil, to(job.Dead)},
		{"T14", resolveResend, in(job.Uncertain), nil, renew},
		{"T15", cancel, notBegun, nil, to(cancelled)},
		{"T16", cancel, in(job.Running), nil, func(r *record, _ act) { r.asked = true }},
		{"T15", sweep, notBegun, []guard{asked}, to(cancelled)},
		{"T17", holdJob, in(job.Scheduled, job.Ready, job.Dispatched), nil, to(job.Held)},
		{"T17", releaseJob, in(job.Held), nil, to(job.Ready)},
		{"T19", discardJob, in(job.Dead, job.Held), nil, to(discarded)},
		{"T18", revive, in(job.Dead), nil, renew},
	} {
		ru[t.op] = append(ru[t.op], t)
	}
	return &ru
}

var (
	sameEpoch   = guard{"epoch", func(r record, a act) bool { return r.epoch == a.epoch }}
	sameClaim   = guard{"claim", func(r record, a act) bool { return r.run == a.epoch }}
	owns        = guard{"owner", func(r record, a act) bool { return r.owner == a.worker }}
	living      = guard{"living", func(_ record, a act) bool { return !a.dead }}
	notHeld     = guard{"hold", func(_ record, a act) bool { return !a.held }}
	covered     = guard{"covered", func(_ record, a act) bool { return a.held }}
	notCool     = guard{"channel", func(_ record, a act) bool { return !a.cool }}
	notAsked    = guard{"asked to stop", func(r record, _ act) bool { return !r.asked }}
	asked       = guard{"asked", func(r record, _ act) bool { return r.asked }}
	fresh       = guard{"ticket", func(r record, a act) bool { return !a.old || !r.once }}
	isOnce      = guard{"once", func(r record, _ act) bool { return r.once }}
	notOnce     = guard{"idempotent", func(r record, _ act) bool { return !r.once }}
	notRunThere = guard{"not run there", func(_ record, a act) bool { return !a.runs }}
	ownerGone   = guard{"owner gone", func(_ record, a act) bool { return a.ownerDead }}
	attempted   = guard{"attempt", func(r record, _ act) bool { return r.attempt > 0 }}
)

func to(s job.State) func(*record, act) { return func(r *record, _ act) { r.state = s } }

func handOut(r *record, _ act) { r.state, r.epoch = job.Dispatched, r.epoch+1 }

func grant(r *record, a act) {
	r.state, r.run, r.owner, r.attempt = job.Running, a.epoch, a.worker, r.attempt+1
}

func takeUp(r *record, a act) {
	handOut(r, a)
	a.epoch = r.epoch
	grant(r, a)
}

func giveBack(r *record, _ act) { r.state, r.attempt = job.Ready, r.attempt-1 }

func again(r *record, _ act) {
	r.state = job.Scheduled
	if r.attempt >= tries {
		r.state = job.Dead
	}
}

// lose: a death costs no attempt, but one job must not kill every worker.
func lose(r *record, _ act) {
	r.lost++
	switch {
	case r.once:
		r.state = job.Uncertain
	case r.lost >= deaths:
		r.state = job.Dead
	default:
		r.state, r.attempt = job.Ready, r.attempt-1
	}
}

func renew(r *record, _ act) {
	r.state, r.attempt, r.lost, r.asked = job.Ready, 0, 0, false
}
