package ledger_test

import "github.com/bandeja/inboxd/daemon/internal/job"

// worker makes every step of one worker.
func (x *walker) worker(w world, id int8) {
	h := w.hands[id-1]
	if h.phase == idle {
		x.claims(w, id, h)
	}
	switch h.phase {
	case claimed:
		if !h.dead {
			x.send(w, id)
		}
		for _, o := range []op{retry, throttle, fail, doubt, release, putBack, putOff} {
			x.report(w, id, o)
		}
	case sent:
		x.report(w, id, succeed)
		x.report(w, id, doubt)
	case idle, crashed:
	}
	if w.state == job.Running && h.phase != crashed {
		x.ledger(w, move{act: act{op: stray, worker: id, epoch: w.run, dead: h.dead, runs: h.busy() && h.epoch == w.run}})
	}
	x.fates(w, id, h)
}

// claims: by the postgres lane, by the redis lane, under every sky.
func (x *walker) claims(w world, id int8, h hand) {
	for _, sky := range []act{{}, {held: true}, {cool: true}, {old: true}} {
		sky.worker, sky.dead = id, h.dead
		bad := sky.held || sky.cool || sky.old || h.dead
		if w.epoch < x.epochs && !sky.old {
			sky.op = dispatch
			x.ledger(w, move{act: sky, fault: bad})
			sky.op = take
			x.claim(w, move{act: sky, fault: bad}, w.epoch+1)
		}
		for e := int8(1); e <= w.epoch && !sky.cool; e++ {
			sky.op, sky.epoch = start, e
			x.claim(w, move{act: sky, fault: bad}, e)
		}
	}
}

// claim may be granted, and its answer be lost.
func (x *walker) claim(w world, m move, epoch int8) {
	lost := m
	lost.fault, lost.event = true, "the answer is lost"
	to := x.ledger(w, lost)
	if to.owner != m.worker || to.run != epoch {
		return
	}
	to.hands[m.worker-1].phase, to.hands[m.worker-1].epoch = claimed, epoch
	x.saw(w, m, to, true)
}

func (x *walker) send(w world, id int8) {
	to := w
	h := &to.hands[id-1]
	h.phase = sent
	to.sends, to.unsaid, to.sentBy = w.sends+1, true, w.sentBy|1<<h.epoch
	x.saw(w, move{event: "send", act: act{worker: id}}, to, true)
}

func (x *walker) report(w world, id int8, o op) {
	h, to := w.hands[id-1], w
	a := act{op: o, worker: id, epoch: h.epoch, dead: h.dead}
	var ok bool
	to.record, ok = x.rules.apply(w.record, a)
	to.mayBeRepeated(h, o == doubt)
	to.hands[id-1] = hand{dead: h.dead}
	x.saw(w, move{act: a, event: "report"}, to, ok)
}

// fates: what happens to processes.
func (x *walker) fates(w world, id int8, h hand) {
	to := w
	if h.busy() {
		to.mayBeRepeated(h, true)
		to.hands[id-1] = hand{phase: crashed, dead: h.dead}
		x.saw(w, move{event: "crash", act: act{worker: id}, fault: true}, to, true)
	}
	to = w
	switch {
	case !h.dead: // rightly or not
		to.mayBeRepeated(h, true)
		to.hands[id-1].dead = true
		x.saw(w, move{event: "declare dead", act: act{worker: id}, fault: h.phase != crashed}, to, true)
	case !h.busy():
		to.hands[id-1] = hand{}
		if w.owner == id {
			to.owner = gone
		}
		x.saw(w, move{event: "join", act: act{worker: id}}, to, true)
	}
}

// mayBeRepeated: what a worker has sent and will not vouch for is sent again by
// others, where that is allowed.
func (w *world) mayBeRepeated(h hand, inDoubt bool) {
	if inDoubt && !w.once && h.phase == sent && !h.dead {
		w.allowed++
	}
}
