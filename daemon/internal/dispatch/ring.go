package dispatch

import "slices"

// ring is deficit round robin over orgs with jobs of size one: in each turn an
// org may take as many as it weighs, and one that was cut short goes on where it
// stopped. The zero ring is ready to use.
type ring struct {
	next   int64 // the org whose turn it is; one that is gone gives its turn to the next
	credit int   // what is left of that turn; 0: a full one
}

// line is one org that wants places, and how many it may have.
type line struct {
	org    int64
	weight int
	room   int
}

// share divides n places between lines (by rising org) and returns how many
// each gets, in their order.
func (r *ring) share(lines []line, n int) []int {
	given := make([]int, len(lines))
	if len(lines) == 0 {
		return given
	}
	at, _ := slices.BinarySearchFunc(lines, r.next, func(l line, org int64) int { return int(l.org - org) })
	if at == len(lines) || lines[at].org != r.next {
		r.credit = 0
	}
	for idle := 0; n > 0 && idle < len(lines); at++ {
		l := lines[at%len(lines)]
		turn := r.credit
		if turn == 0 {
			turn = l.weight
		}
		got := min(turn, n, l.room-given[at%len(lines)])
		given[at%len(lines)] += got
		n -= got
		idle++
		if got > 0 {
			idle = 0
		}
		r.credit = 0
		if n == 0 && got < turn && given[at%len(lines)] < l.room {
			r.credit = turn - got // cut short: its turn goes on
			break
		}
	}
	r.next = lines[at%len(lines)].org
	return given
}
