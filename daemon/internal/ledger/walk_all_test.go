package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// found is what a walk through everything has seen.
type found struct {
	worlds []world
	known  map[world]int32
	via    []step     // how each was reached first
	edges  [][2]int32 // without faults
	broken string     // what the first bad step broke
	trace  []string   // and how it came to that
}

type step struct {
	from int32
	move move
}

// walk visits, breadth first, every world that can be reached, and stops at the
// first that breaks a promise.
func walk(ru *rules, once bool, epochs int8) *found {
	f := &found{worlds: []world{origin(once)}, known: map[world]int32{origin(once): 0}, via: []step{{}}}
	x := &walker{rules: ru, epochs: epochs}
	var at int32
	x.see = func(from world, m move, to world, ok bool) {
		if f.broken != "" {
			return
		}
		if f.broken = x.judge(from, m, to, ok); f.broken != "" {
			f.trace = append(f.path(at), m.String())
			return
		}
		i, seen := f.known[to]
		if !seen {
			i = int32(len(f.worlds))
			f.known[to], f.worlds, f.via = i, append(f.worlds, to), append(f.via, step{at, m})
		}
		if !m.fault && i != at {
			f.edges = append(f.edges, [2]int32{at, i})
		}
	}
	for ; int(at) < len(f.worlds) && f.broken == ""; at++ {
		x.steps(f.worlds[at])
	}
	return f
}

func (f *found) path(i int32) (trace []string) {
	for ; i != 0; i = f.via[i].from {
		trace = append(trace, f.via[i].move.String())
	}
	slices.Reverse(trace)
	return trace
}

func (m move) String() string {
	s := m.event
	if s == "" || s == "report" || m.epoch > 0 {
		s = strings.TrimSpace(m.op.String() + " " + m.event)
	}
	if m.worker > 0 {
		s += fmt.Sprintf(" by %d", m.worker)
	}
	if m.epoch > 0 {
		s += fmt.Sprintf(" for epoch %d", m.epoch)
	}
	return s
}

// stuck returns worlds from which, faults aside, no end is reached.
func (f *found) stuck(epochs int8) (list []world) {
	back := make([][]int32, len(f.worlds))
	for _, e := range f.edges {
		back[e[1]] = append(back[e[1]], e[0])
	}
	good, queue := make([]bool, len(f.worlds)), []int32{}
	reach := func(i int32) {
		if !good[i] {
			good[i] = true
			queue = append(queue, i)
		}
	}
	for i, w := range f.worlds {
		if w.final() || w.state == job.Uncertain || w.state == job.Dead || w.epoch == epochs {
			reach(int32(i))
		}
	}
	for len(queue) > 0 {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, from := range back[i] {
			reach(from)
		}
	}
	for i, ok := range good {
		if !ok {
			list = append(list, f.worlds[i])
		}
	}
	return list
}

// One job, two workers, both lanes, everything that can happen to them, in
// every order: the promises hold in every world, and from each of them the job
// comes to an end.
func TestModelWalk(t *testing.T) {
	t.Parallel()
	for name, once := range map[string]bool{"AtMostOnce": true, "Idempotent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const epochs = 4
			f := walk(table(), once, epochs)
			require.Empty(t, f.broken, strings.Join(f.trace, "\n"))
			require.Empty(t, f.stuck(epochs))
			t.Logf("%d worlds, %d steps without faults", len(f.worlds), len(f.edges))
		})
	}
}
