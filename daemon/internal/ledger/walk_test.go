package ledger_test

import "github.com/bandeja/inboxd/daemon/internal/job"

// world is one job, two workers, and what an all-knowing observer has seen. Any
// copy of any hand-out may arrive at any worker at any time; holds, blocked
// channels and old tickets come and go with every step.
type world struct {
	record
	hands          [2]hand
	sends, allowed int8
	sentBy         uint8 // epochs that have sent
	unsaid         bool  // sent since an operator's last word
}

// hand is a worker with one slot.
type hand struct {
	phase phase
	epoch int8
	dead  bool // declared so; a zombie has closed its fence and sends nothing new
}

type phase int8

const (
	idle phase = iota
	claimed
	sent
	crashed
)

func (h hand) busy() bool { return h.phase == claimed || h.phase == sent }

const gone int8 = 3 // the owner's slot has a new worker

func origin(once bool) world {
	return world{record: record{state: job.Ready, once: once}, allowed: 1}
}

// move is one step, by one worker or by nobody in particular.
type move struct {
	act

	event string // what is no operation of the ledger
	fault bool   // the job must come to an end without it
}

// walker makes every step that is possible from a world.
type walker struct {
	rules  *rules
	epochs int8 // no more hand-outs than this
	see    func(from world, m move, to world, ok bool)
}

// ledger makes a step of the ledger alone.
func (x *walker) ledger(w world, m move) world {
	to := w
	var ok bool
	to.record, ok = x.rules.apply(w.record, m.act)
	return x.saw(w, m, to, ok)
}

func (x *walker) saw(from world, m move, to world, ok bool) world {
	x.see(from, m, to, ok)
	return to
}

func (x *walker) steps(w world) {
	for o := range opCount {
		switch o {
		case promote, recallOlder, sweep:
			x.ledger(w, move{act: act{op: o}})
		case releaseJob:
			x.ledger(w, move{act: act{op: o}})
		case cancel, revive, holdJob, discardJob:
			x.ledger(w, move{act: act{op: o}, fault: true})
		case orphan:
			dead := w.owner == gone || w.owner > 0 && w.hands[w.owner-1].dead
			x.ledger(w, move{act: act{op: o, ownerDead: dead}})
		case resolveSent, resolveNotSent, resolveResend:
			x.resolve(w, o)
		case recall:
			for e := int8(1); e <= w.epoch; e++ {
				x.ledger(w, move{act: act{op: o, epoch: e}})
			}
		case settle, settleAny:
			x.webhooks(w, o)
		default: // a worker's; recallHeld and recallDial choose among what recallOlder takes
		}
	}
	for i := range w.hands {
		x.worker(w, int8(i)+1)
	}
}

// resolve is the word of an operator: it may be wrong, and is then one more
// send.
func (x *walker) resolve(w world, o op) {
	to := w
	var ok bool
	if to.record, ok = x.rules.apply(w.record, act{op: o}); ok && o != resolveSent {
		to.allowed, to.unsaid = w.sends+1, false
	}
	x.saw(w, move{act: act{op: o}, fault: true}, to, ok)
}

// webhooks speak of what was sent.
func (x *walker) webhooks(w world, o op) {
	if !w.once || w.sends == 0 {
		return
	}
	for e := int8(1); e <= w.epoch; e++ {
		if w.sentBy&(1<<e) != 0 {
			x.ledger(w, move{act: act{op: o, epoch: e}, fault: true})
		}
	}
}
