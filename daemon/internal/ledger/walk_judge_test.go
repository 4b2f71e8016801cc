package ledger_test

import "github.com/bandeja/inboxd/daemon/internal/job"

// judge returns what a step has broken, or "".
func (x *walker) judge(from world, m move, to world, ok bool) string {
	for _, verdict := range []string{
		promises(from, to), words(from, m, to), leaving(from, m, to), sound(to), executions(to), x.reports(from, m, to, ok),
	} {
		if verdict != "" {
			return verdict
		}
	}
	return ""
}

// promises are those made to customers and operators.
func promises(from, to world) string {
	switch {
	case to.sends > to.allowed:
		return "sent again"
	case (from.state == cancelled || from.state == discarded) && to.sends > from.sends:
		return "sent after an acknowledged cancel"
	case (to.state == cancelled || to.state == discarded) && to.once && to.unsaid:
		return "called cancelled or discarded though it was sent"
	case from.final() && to.state != from.state:
		return "final is not final"
	case to.state == inHistory && to.sends == 0 && from.state != job.Uncertain && !from.final():
		return "done but never sent"
	}
	return ""
}

// words: doubt and death end by certain words only.
func words(from world, m move, to world) string {
	if from.state == to.state {
		return ""
	}
	switch {
	case from.state == job.Dead && m.op != revive && m.op != discardJob:
		return "the dead rise unasked"
	case from.state == job.Uncertain && m.event != "report" && (m.op < settle || m.op > resolveResend):
		return "doubt was settled by nobody who knows"
	case (m.event == "report" || m.op == settle) && m.epoch != from.run:
		return "the word of an old attempt changed a newer one"
	}
	return ""
}

// leaving: what nobody may hand out or start, nobody does.
func leaving(from world, m move, to world) string {
	starts := to.state == job.Running && from.state != job.Running
	switch {
	case to.epoch == from.epoch && !starts:
		return ""
	case m.held:
		return "a hold held nothing"
	case m.cool:
		return "left by a blocked channel"
	case m.old && from.once:
		return "a stale token was used"
	case m.dead:
		return "the dead were granted something"
	case from.asked:
		return "begun although somebody asked it to stop"
	}
	return ""
}

func sound(w world) string {
	switch {
	case w.attempt < 0 || w.attempt > tries:
		return "attempts out of bounds"
	case w.run > w.epoch:
		return "claimed before it was handed out"
	case w.state == job.Running && (w.run != w.epoch || w.owner == 0):
		return "runs under a stale epoch"
	case !w.once && w.lost >= deaths && w.state != job.Dead && !w.final():
		return "poison goes on"
	}
	return ""
}

// executions: what runs in a worker that nobody has declared dead is its alone,
// and the ledger knows.
func executions(w world) string {
	alive := 0
	for i, h := range w.hands {
		if !h.busy() || h.dead {
			continue
		}
		alive++
		known := w.state == job.Running && w.run == h.epoch && int(w.owner) == i+1
		if !known && !w.final() {
			return "runs unknown to the ledger"
		}
	}
	if alive > 1 {
		return "runs twice"
	}
	return ""
}

// reports of the living count, once.
func (x *walker) reports(from world, m move, to world, ok bool) string {
	if m.event != "report" {
		return ""
	}
	if !ok && !m.dead && !from.final() {
		return "a living worker's outcome was refused"
	}
	if repeated, _ := x.rules.apply(to.record, m.act); ok && !to.final() && m.op != succeed && repeated.state != to.state && from.state != job.Uncertain {
		return "a repeat changed something"
	}
	return ""
}
