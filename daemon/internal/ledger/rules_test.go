package ledger_test

import "github.com/bandeja/inboxd/daemon/internal/job"

// The state machine of a job once more, without SQL: what each operation does
// to a row, guard by guard, after the table T1-T19 of the design. TestModelWalk
// walks it through every order of events, TestModelIsTheSQL holds it against
// the statements. A new transition is added here first.

// record is a job as the rules see it.
type record struct {
	state      job.State // a live one, inHistory (done) or cut off
	epoch, run int8      // last hand-out, last granted claim
	attempt    int8
	lost       int8 // workers it took with it
	owner      int8 // who runs it; 0 unless it runs
	asked      bool // to stop
	once       bool // at most once: doubt is not tried again
}

// Beside inHistory, which is done.
const (
	cancelled job.State = -2
	discarded job.State = -3
)

func (r record) final() bool { return r.state < 0 }

const (
	tries  = 2 // attempts of a job in the rules' world
	deaths = 3 // that make it poison
)

// act is one operation with what its actor says and what holds around it.
type act struct {
	op         op
	epoch      int8 // the actor's
	worker     int8
	dead       bool // the actor was declared dead
	ownerDead  bool // whoever runs the job was declared dead, or is not listed
	runs       bool // the actor does run this claim
	held, cool bool // a hold covers the job; its channel is blocked
	old        bool // the hand-out is older than a ticket's life
}

type op int8

const (
	promote op = iota
	dispatch
	recall
	recallOlder
	recallHeld
	recallDial
	take
	start
	succeed
	retry
	throttle
	fail
	doubt
	release
	putBack
	putOff
	stray
	orphan
	settle
	settleAny
	resolveSent
	resolveNotSent
	resolveResend
	cancel
	sweep
	revive
	holdJob
	releaseJob
	discardJob
	opCount
)

func (o op) String() string {
	return [...]string{
		"promote", "dispatch", "recall", "recall older", "recall held", "recall dial", "take", "start", "succeed", "retry",
		"throttle", "fail", "doubt", "release", "defer to ready", "defer", "stray", "orphan", "settle", "settle any",
		"resolve sent", "resolve not_sent", "resolve resend", "cancel", "sweep", "revive", "hold job", "release job", "discard job",
	}[o]
}

// guard is one condition in the WHERE of a statement.
type guard struct {
	name string
	ok   func(record, act) bool
}

// transition is one line of the table: the first whose states and guards hold
// is made; if none does, nothing happens.
type transition struct {
	id   string
	op   op
	from states
	when []guard
	then func(*record, act)
}

// states is a set of live states.
type states uint8

func in(list ...job.State) (s states) {
	for _, x := range list {
		s |= 1 << x
	}
	return s
}

func (s states) has(x job.State) bool { return x >= 0 && s&(1<<x) != 0 }

// rules are the transitions by operation.
type rules [opCount][]transition

// apply makes the transition that fits; false: none, and the row is as it was.
func (ru *rules) apply(r record, a act) (record, bool) {
next:
	for _, t := range ru[a.op] {
		if !t.from.has(r.state) {
			continue
		}
		for _, g := range t.when {
			if !g.ok(r, a) {
				continue next
			}
		}
		t.then(&r, a)
		if r.state != job.Running {
			r.owner = 0
		}
		return r, true
	}
	return r, false
}
