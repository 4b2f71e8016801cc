package dispatch

import (
	"context"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// tokens takes what a claim needs to leave, and remembers who must wait: the
// rows of a throttled org stay ready and are not asked about again until then.
type tokens struct {
	limits  Limits
	waiting map[wait]time.Time
	version int64 // of the limits the waits were told under
}

type wait struct {
	org    int64
	action job.Action
	bulk   bool
}

func newTokens(l Limits) *tokens { return &tokens{limits: l, waiting: map[wait]time.Time{}} }

// refresh forgets waits that are over, and all of them when a limit may have
// changed.
func (t *tokens) refresh(version int64, now time.Time) {
	if version != t.version {
		clear(t.waiting)
		t.version = version
	}
	for w, until := range t.waiting {
		if !now.Before(until) {
			delete(t.waiting, w)
		}
	}
}

// throttled reports whether an org's jobs must wait for a token anyway.
func (t *tokens) throttled(b job.Backlog) bool {
	action, limited := b.Type.Action()
	if !limited || t.limits == nil {
		return false
	}
	_, waits := t.waiting[wait{b.OrgID, action, b.Bulk}]
	return waits
}

// purse is what a claim holds: one grant per share.
type purse struct {
	wants  []job.Want
	grants []job.Grant
	bulk   []bool
	now    time.Time // when they were given
}

// take shrinks shares to what tokens are there for; those left with none are
// dropped, and wait. Bulk work may use its share of the window only.
func (t *tokens) take(ctx context.Context, k kind, shares []job.Share, s *control.Snapshot, now time.Time) ([]job.Share, purse) {
	action, limited := k.typ.Action()
	if !limited || t.limits == nil || len(shares) == 0 {
		return shares, purse{}
	}
	wants := make([]job.Want, len(shares))
	for i, sh := range shares {
		r := s.Rate(sh.OrgID, action, now)
		wants[i] = job.Want{OrgID: sh.OrgID, Action: action, Rate: r, Most: r.N, N: min(sh.Limit, handful(r.N))}
		if sh.From == job.Bulk {
			wants[i].Most = job.BulkMost(r.N)
		}
	}
	grants := t.limits.Take(ctx, wants)
	var kept []job.Share
	p := purse{now: now}
	for i, g := range grants {
		bulk := shares[i].From == job.Bulk
		if g.N == 0 {
			t.postpone(wants[i], g, bulk, now)
			continue
		}
		shares[i].Limit = g.N
		kept = append(kept, shares[i])
		p.wants, p.grants, p.bulk = append(p.wants, wants[i]), append(p.grants, g), append(p.bulk, bulk)
	}
	return kept, p
}

// longestWait is when an org is asked about again at the latest: others may hold
// tokens that they give back, which no answer can foresee.
const longestWait = time.Second

// handful is how many tokens are taken at a time: free slots say nothing of how
// many jobs an org has, and what one process holds others miss meanwhile. A claim
// that needs them all comes back for more in the same round.
func handful(limit int) int { return max(8, limit/8) }

// postpone leaves an org alone that got less than it wanted, until there is more.
func (t *tokens) postpone(w job.Want, g job.Grant, bulk bool, now time.Time) {
	if g.N < w.N && g.RetryAfter > 0 {
		t.waiting[wait{w.OrgID, w.Action, bulk}] = now.Add(min(g.RetryAfter, longestWait))
	}
}

// settle gives back the tokens of shares that the claim did not fill. used is
// per share, in order. Only an org that used up all it got must wait: what is
// wanted are places, and there may be fewer jobs than tokens.
func (t *tokens) settle(ctx context.Context, p purse, used []int) {
	unused, any := make([]int, len(p.grants)), false
	for i, g := range p.grants {
		unused[i] = g.N - used[i]
		if unused[i] > 0 {
			any = true
			continue
		}
		t.postpone(p.wants[i], g, p.bulk[i], p.now)
	}
	if any {
		t.limits.Return(ctx, p.wants, p.grants, unused)
	}
}
