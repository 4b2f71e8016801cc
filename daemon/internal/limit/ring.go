package limit

import (
	"slices"
	"time"
)

// ring is one window in this process: stamps in microseconds, oldest first.
type ring struct {
	own    []int64 // tokens given here
	starts []int64 // starts the ledger knew of when it was asked, of all processes
	length time.Duration
	whole  int64 // starts is complete from here on; zero: the ledger was not asked
}

// within returns how many of the sorted stamps are younger than edge.
func within(stamps []int64, edge int64) int {
	i, _ := slices.BinarySearch(stamps, edge+1)
	return len(stamps) - i
}

// share is how many tokens this process may have out at a time, if cap is the
// most of all processes together and others are out already.
func share(limit, others, processes int) int {
	free := max(0, limit-others)
	if limit < processes && free > 0 {
		return 1 // less than one each: never closed comes before never over
	}
	return free / max(1, processes)
}

// processesOf returns among how many a window's limit is divided.
func (o Options) processesOf(u use) int {
	apis, workers := o.Processes()
	if u == useAPI {
		return max(1, apis)
	}
	return max(1, workers)
}

func (r *ring) trim(edge int64) {
	r.own = r.own[len(r.own)-within(r.own, edge):]
	r.starts = r.starts[len(r.starts)-within(r.starts, edge):]
}
