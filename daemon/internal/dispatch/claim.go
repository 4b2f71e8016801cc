package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// claim is the work on one route in one round.
type claim struct {
	r        *round
	w        work
	caps     *caps
	lane     job.Lane
	from, to int // of the dial
}

// handover is what one claim came to: per share, how many jobs left ready.
type handover struct {
	used []int
	gone bool // nothing more can leave by this lane now
}

// run claims until the places are filled or no org has more: what one org
// leaves over goes to the others. It reports whether the places were filled.
func (c *claim) run(ctx context.Context, hand func(context.Context, job.Pick) (handover, error)) (full bool, err error) {
	if c.from >= c.to {
		return false, nil
	}
	places := c.places()
	if places == 0 {
		return false, nil
	}
	defer func() {
		c.giveBack(places)
		c.r.d.idle = c.r.d.idle || places > 0
	}()
	for lines := c.w.lines; places > 0 && len(lines) > 0; {
		shares, p := c.r.d.tokens.take(ctx, c.w.kind, c.shares(lines, min(places, maxTake)), c.r.control, c.r.now)
		if len(shares) == 0 {
			return false, nil
		}
		h, err := hand(ctx, c.pick(shares))
		n := c.count(shares, h.used)
		places -= n
		c.memory().short = n < total(shares)
		if err != nil || h.gone { // a claim in doubt keeps its tokens: its jobs may be on their way
			return false, err
		}
		c.r.d.tokens.settle(ctx, p, h.used)
		lines = slices.DeleteFunc(more(lines, shares, h.used), c.r.d.tokens.throttled)
	}
	return places == 0, nil
}

// count adds what left ready to what the orgs have under way.
func (c *claim) count(shares []job.Share, used []int) (n int) {
	for i, u := range used {
		n += u
		c.caps.used(shares[i].OrgID, u)
	}
	return n
}

// places is how many jobs may leave by this lane now: free slots here, or what
// is left of the window; one to ask whether a silent provider is back.
func (c *claim) places() int {
	most := maxRound
	if c.r.d.o.Runner.Probing(c.w.queue) {
		most = 1
	}
	if c.r.d.drained() { // since the round began
		return 0
	}
	if c.lane == job.LaneRedis {
		if c.r.refused || !c.r.d.couriers.free() {
			return 0
		}
		return max(0, min(c.r.window[c.w.queue], most))
	}
	return c.r.d.o.Runner.Reserve(c.w.queue, most)
}

// giveBack returns places nobody filled.
func (c *claim) giveBack(n int) {
	if c.lane == job.LanePostgres && n > 0 {
		c.r.d.o.Runner.Unreserve(c.w.queue, n)
	}
}

// shares divides places between the orgs of lines; what an org gets goes to its
// better jobs first, and to its bulk only if it has no others waiting.
func (c *claim) shares(lines []job.Backlog, places int) (shares []job.Share) {
	var ls []line
	var first []job.Backlog
	for _, b := range lines {
		if len(first) > 0 && first[len(first)-1].OrgID == b.OrgID {
			continue
		}
		first = append(first, b)
		ls = append(ls, line{org: b.OrgID, weight: c.r.control.Weight(b.OrgID, c.r.now), room: c.caps.room(b.OrgID)})
	}
	for i, n := range c.memory().ring.share(ls, places) {
		if n > 0 {
			shares = append(shares, share(first[i], n))
		}
	}
	return shares
}

func share(b job.Backlog, n int) job.Share {
	s := job.Share{OrgID: b.OrgID, Limit: n, From: job.Interactive, To: job.Normal}
	if b.Bulk {
		s.From, s.To = job.Bulk, job.Bulk
	}
	return s
}

func total(shares []job.Share) (n int) {
	for _, s := range shares {
		n += s.Limit
	}
	return n
}

// more returns the lines that may have further jobs: those that filled their
// share, and the bulk of orgs whose better jobs did not.
func more(lines []job.Backlog, shares []job.Share, used []int) (rest []job.Backlog) {
	left := map[int64]job.Priority{} // an org's share did not fill: nothing of this class is left
	asked := map[int64]bool{}
	for i, s := range shares {
		asked[s.OrgID] = true
		if used[i] < s.Limit {
			left[s.OrgID] = s.From
		}
	}
	for _, b := range lines {
		from, drained := left[b.OrgID]
		if asked[b.OrgID] && (!drained || b.Bulk && from != job.Bulk) {
			rest = append(rest, b)
		}
	}
	return rest
}

// pick is the claim of these shares. After a claim that left room, heads of
// backlogs may be blocked by busy conversations: at most once a second the next
// claim searches deeper. (Never more often: that costs thousands of rows per
// org.)
func (c *claim) pick(shares []job.Share) job.Pick {
	m := c.memory()
	p := job.Pick{
		Queue: c.w.queue, Type: c.w.typ, Shares: shares, DialFrom: c.from, DialTo: c.to, Blocked: c.r.blocked,
	}
	if c.w.queue == job.TokenRefresh { // a new token may be what a paused channel waits for
		p.Blocked = nil
	}
	if m.short && c.r.now.Sub(m.deepest) >= deepEvery {
		p.Scan = deepScan
		m.deepest = time.Now()
	}
	return p
}

func (c *claim) memory() *memory {
	k := route{c.w.kind, c.lane, c.r.view.Page}
	m := c.r.d.routes[k]
	if m == nil {
		m = &memory{}
		c.r.d.routes[k] = m
	}
	return m
}

// take runs jobs here, by the postgres lane, in reserved slots.
func (c *claim) take(ctx context.Context, p job.Pick) (handover, error) {
	d := c.r.d
	if d.drained() { // while tokens were asked for: the drain is acknowledged once no claim is under way
		return handover{used: make([]int, len(p.Shares))}, nil
	}
	began := d.o.Now()
	jobs, err := d.o.Ledger.Take(ctx, p, d.o.WorkerID)
	if err != nil || len(jobs) == 0 {
		return handover{used: make([]int, len(p.Shares))}, err
	}
	out := make([]job.HandOut, len(jobs))
	for i, j := range jobs {
		out[i] = j.HandOut()
	}
	goes, err := d.pace(ctx, c.w.kind, out)
	if d.o.Now().Sub(began) > staleClaim {
		d.o.Logger.WarnContext(ctx, "a claim came too late to be begun: the process was frozen", "count", len(jobs))
		return handover{used: make([]int, len(p.Shares)), gone: true}, err // they are found as strays
	}
	for i, j := range jobs {
		if goes[i] {
			d.o.Runner.Run(ctx, j)
		}
	}
	return handover{used: usedBy(p.Shares, out, goes)}, err
}

// send hands jobs to the redis lane, as far as the window is open.
func (c *claim) send(ctx context.Context, p job.Pick) (handover, error) {
	d := c.r.d
	out, err := d.o.Ledger.Dispatch(ctx, p, d.o.WorkerID)
	d.doubtful = d.doubtful || err != nil
	if err != nil || len(out) == 0 {
		return handover{used: make([]int, len(p.Shares))}, err
	}
	goes, err := d.pace(ctx, c.w.kind, out)
	var tickets []job.Ticket
	for i, h := range out {
		if goes[i] {
			tickets = append(tickets, h.Ticket)
		}
	}
	c.r.window[c.w.queue] -= len(tickets)
	d.windows.handed(c.w.queue, len(tickets))
	if len(tickets) > 0 {
		d.couriers.bring(ctx, c.w.kind, tickets)
	}
	return handover{used: usedBy(p.Shares, out, goes)}, err
}

// usedBy counts, per share, the jobs that go.
func usedBy(shares []job.Share, out []job.HandOut, goes []bool) []int {
	place := make(map[int64]int, len(shares))
	for i, s := range shares {
		place[s.OrgID] = i
	}
	used := make([]int, len(shares))
	for i, h := range out {
		if goes[i] {
			used[place[h.OrgID]]++
		}
	}
	return used
}
