package screen

import (
	"cmp"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/triage"
)

// order is one way to sort queues. Key is the column it belongs to; value
// returns nil for what is not known, which always comes last.
type order struct {
	name      string
	key       string
	ascending bool
	value     func(admin.Queue) *float64
}

// orders lists the ways to sort in the order the key goes through them. The
// first is the one the screen starts with, the order of triage.WorstFirst.
func orders() []order {
	count := func(of func(admin.Queue) int64) func(admin.Queue) *float64 {
		return func(q admin.Queue) *float64 { return new(float64(of(q))) }
	}
	return []order{
		{name: "worst first", value: func(q admin.Queue) *float64 { return new(float64(triage.Of(q))) }},
		{name: "oldest", key: "OLDEST", value: func(q admin.Queue) *float64 {
			if q.OldestReadyMS == nil {
				return nil
			}
			return new(float64(*q.OldestReadyMS))
		}},
		{name: "ready", key: "READY", value: count(func(q admin.Queue) int64 { return q.Ready })},
		{name: "running", key: "RUN", value: count(func(q admin.Queue) int64 { return q.Running })},
		{name: "retrying", key: "RETRY", value: count(func(q admin.Queue) int64 { return q.Retrying })},
		{name: "dead", key: "DEAD", value: count(func(q admin.Queue) int64 { return q.Dead })},
		{name: "uncertain", key: "UNCERT", value: count(func(q admin.Queue) int64 { return q.Uncertain })},
		{name: "done/s", key: "DONE/s", value: func(q admin.Queue) *float64 { return q.DonePerS }},
		{name: "wait P95", key: "wait P95", value: func(q admin.Queue) *float64 { return q.Latency.Wait.P95MS }},
		{name: "run P95", key: "run P95", value: func(q admin.Queue) *float64 { return q.Latency.Run.P95MS }},
		{name: "name", key: "QUEUE", ascending: true},
	}
}

// compare sorts a before b. Equal rows keep the server's order, so that they
// never swap.
func (o order) compare(a, b admin.Queue, inverse bool) int {
	if o.value == nil {
		return signed(strings.Compare(a.Name, b.Name), o.ascending != inverse)
	}
	x, y := o.value(a), o.value(b)
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return signed(cmp.Compare(*x, *y), o.ascending != inverse)
}

func signed(c int, ascending bool) int {
	if ascending {
		return c
	}
	return -c
}
