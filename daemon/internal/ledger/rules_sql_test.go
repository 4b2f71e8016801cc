package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// What the walk proves of the rules holds for the product only if the
// statements do the same: every operation meets every state here, by the rules
// and by the database.
func TestModelIsTheSQL(t *testing.T) {
	t.Parallel()
	p := newProving(t)
	ru := table()
	n := 0
	for _, s := range job.States() {
		for o := range opCount {
			for _, r := range records(s, o) {
				for _, a := range acts(o) {
					a.ownerDead = r.owner >= gone
					n++
					want, _ := ru.apply(r, a)
					p.put(t, r, a)
					p.do(t, r, a)
					require.Equal(t, want.bare(), p.get(t, r).bare(), "%s of %+v, %+v", o, r, a)
				}
			}
		}
	}
	t.Logf("%d cases", n)
}

// records are the rows an operation may tell apart.
func records(s job.State, o op) (list []record) {
	base := record{state: s, epoch: 2, run: 1, attempt: 1}
	variants := []func(*record){
		func(*record) {}, func(r *record) { r.run = 2 }, func(r *record) { r.asked = true }, func(r *record) { r.attempt = tries },
		func(r *record) { r.run, r.attempt = 2, tries },
	}
	switch {
	case s == job.Running:
		base.run, base.owner = 2, 1
		variants[1] = func(r *record) { r.owner = 2 }
		if o == orphan {
			variants = []func(*record){
				func(r *record) { r.owner = gone }, func(r *record) { r.owner, r.lost = gone, deaths-1 },
				func(r *record) { r.owner = missing }, func(*record) {},
			}
		}
	case s == job.Dispatched:
		variants = []func(*record){variants[0], variants[2]}
	case o == settle:
		variants = append(variants, func(r *record) { r.run, r.attempt = 2, 0 })
	}
	for i, change := range variants {
		if s != job.Running && s != job.Dispatched && i >= 3 && (o < succeed || o > release) && o != settle {
			continue // how often it was tried is of no matter
		}
		for _, once := range []bool{true, false} {
			if !once && i > 0 && o > release && o != orphan {
				continue // nor what it is
			}
			r := base
			r.once = once
			change(&r)
			list = append(list, r)
		}
	}
	return list
}

const missing int8 = 4 // a worker that is not listed any more

// acts are what an operation may tell apart of its actor and its time.
func acts(o op) []act {
	ours := act{op: o, epoch: 2, worker: 1}
	list := []act{ours}
	add := func(change func(*act)) {
		a := ours
		change(&a)
		list = append(list, a)
	}
	switch o {
	case dispatch, take, start:
		add(func(a *act) { a.held = true })
		add(func(a *act) { a.dead, a.worker = true, gone })
		if o != start {
			add(func(a *act) { a.cool = true })
			break
		}
		add(func(a *act) { a.old = true })
		add(func(a *act) { a.epoch = 1 })
	case recall, succeed, retry, throttle, fail, doubt, release, settle:
		add(func(a *act) { a.epoch = 1 })
	case putBack, putOff:
		add(func(a *act) { a.epoch = 1 })
		add(func(a *act) { a.worker = 2 })
	case recallHeld:
		add(func(a *act) { a.held = true })
	case stray:
		add(func(a *act) { a.runs = true })
		add(func(a *act) { a.worker = 2 })
	default:
	}
	return list
}

// bare leaves what the rules say something about.
func (r record) bare() record {
	if r.final() {
		return record{state: r.state}
	}
	if r.state != job.Running {
		r.owner = 0
	}
	return r
}
