package adminapi

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// orgPlace is where an org stands in a list: a higher class first, then a higher
// figure, then by name. An org that the order says nothing about has class 0.
type orgPlace struct {
	class int
	n     int64
	name  string
}

func (a orgPlace) compare(b orgPlace) int {
	return cmp.Or(cmp.Compare(b.class, a.class), cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name))
}

// cursor names the order too: a place in one says nothing of another.
func (a orgPlace) cursor(sort string) string {
	return fmt.Sprintf("%s.%d.%d.%s", sort, a.class, a.n, a.name)
}

// orgQuery is what a list of orgs is asked for.
type orgQuery struct {
	sort, prefix string
	after        orgPlace // the last one of the page before; no name: from the first
	limit        int
}

func readOrgQuery(v url.Values) (q orgQuery, err error) {
	q.sort, q.prefix = cmp.Or(v.Get("sort"), admin.OrgSortWorst), v.Get("prefix")
	if !slices.Contains(admin.OrgSorts(), q.sort) {
		return q, unknownWord(inbox.Invalid, "order", q.sort, admin.OrgSorts())
	}
	if q.limit, err = readLimit(v.Get("limit")); err != nil {
		return q, err
	}
	if raw := v.Get("cursor"); raw != "" {
		q.after, err = readOrgCursor(raw, q.sort)
	}
	return q, err
}

func readOrgCursor(raw, sort string) (orgPlace, error) {
	parts := strings.SplitN(raw, ".", 4)
	if len(parts) == 4 && slices.Contains(admin.OrgSorts(), parts[0]) {
		if parts[0] != sort {
			return orgPlace{}, inbox.Faultf(inbox.Invalid, "bad_cursor", "cursor %q goes on in the order %s, and this list has the order %s: repeat the sort of the page before",
				raw, parts[0], sort)
		}
		class, failed := strconv.Atoi(parts[1])
		n, fault := strconv.ParseInt(parts[2], 10, 64)
		if failed == nil && fault == nil && inbox.CheckName("org", parts[3]) == nil {
			return orgPlace{class, n, parts[3]}, nil
		}
	}
	return orgPlace{}, inbox.Faultf(inbox.Invalid, "bad_cursor", "cursor %q is not one this server gave: use next of the page before", raw)
}

// place says where an org with this load stands.
func (q orgQuery) place(name string, o orgLoad) orgPlace {
	p := orgPlace{name: name}
	oldest := int64(0)
	if o.oldest != nil {
		oldest = *o.oldest
	}
	switch q.sort {
	case admin.OrgSortReady:
		p.n = o.ready
	case admin.OrgSortOldest:
		p.n = oldest
	case admin.OrgSortDead:
		p.n = o.dead
	case admin.OrgSortUncertain:
		p.n = o.left
	case admin.OrgSortWorst: // as triage has it: customers wait, somebody must decide, work
		switch {
		case oldest >= oldReady.Milliseconds():
			return orgPlace{4, oldest, name}
		case o.dead+o.left > 0:
			return orgPlace{3, o.dead + o.left, name}
		}
		p.n = o.ready
	}
	if p.n > 0 {
		p.class = 1
	}
	return p
}

// oldReady is when an oldest job makes its org one of the worst.
const oldReady = time.Minute

// listOrgs pages over orgs in the order that is asked for. Those with something to
// do are ordered in memory, by what live views know of them; the others follow by
// name, from an index: so a page costs what it shows, however many orgs there are.
func (h *handler) listOrgs(ctx context.Context, c *call) (any, error) {
	q, err := readOrgQuery(c.query)
	if err != nil {
		return nil, err
	}
	if c.caller.orgID != 0 {
		return h.onlyOrg(ctx, c.caller.orgID, q)
	}
	f := h.tops.of(0).known(ctx)
	page, err := h.orgPage(ctx, q, f)
	if err != nil {
		return nil, err
	}
	answer := list(h, "orgs", make([]admin.Org, 0, len(page)))
	if len(page) > q.limit {
		page = page[:q.limit]
		last := page[q.limit-1]
		next := q.place(last.Name, f.loads[last.ID]).cursor(q.sort)
		answer.Next = &next
	}
	for _, o := range page {
		w := wireOrg(o)
		h.markOrg(&w, o.ID)
		if f.loads != nil {
			addLoad(&w, f.loads[o.ID])
		}
		answer.Items = append(answer.Items, w)
	}
	if !f.at.IsZero() {
		answer.StaleMS = max(answer.AsOf.Sub(f.at).Milliseconds(), 0)
	}
	return answer, nil
}

// onlyOrg is the list of a token that sees one org.
func (h *handler) onlyOrg(ctx context.Context, id int64, q orgQuery) (any, error) {
	orgs, err := h.Orgs.OrgsOf(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	looked, stale := h.status.snapshot(ctx, id)
	answer := list(h, "orgs", make([]admin.Org, 0, 1))
	answer.StaleMS = stale.Milliseconds()
	for _, o := range orgs {
		if !strings.HasPrefix(o.Name, q.prefix) || q.after.name != "" {
			continue
		}
		w := wireOrg(o)
		h.markOrg(&w, o.ID)
		if looked.Queues != nil {
			addLoad(&w, loadOf(looked.Queues))
		}
		answer.Items = append(answer.Items, w)
	}
	return answer, nil
}

// orgPage returns one org more than the page has, if there is one.
func (h *handler) orgPage(ctx context.Context, q orgQuery, f *orgFacts) ([]inbox.Org, error) {
	first, busy := q.first(f)
	page, err := h.orgsAt(ctx, first, f)
	if err != nil || len(page) > q.limit {
		return page, err
	}
	after := ""
	if q.after.class == 0 {
		after = q.after.name
	}
	rest, err := h.Orgs.OrgsAfter(ctx, after, q.prefix, busy, q.limit+1-len(page))
	return append(page, rest...), err
}

// first returns the first places of the page and one more, in one walk over all
// orgs, and the ids of those that have a place by what they have to do.
func (q orgQuery) first(f *orgFacts) (page []orgPlace, busy []int64) {
	for name, id := range f.ids {
		p := q.place(name, f.loads[id])
		if p.class == 0 || !strings.HasPrefix(name, q.prefix) {
			continue
		}
		busy = append(busy, id)
		if q.after.name != "" && p.compare(q.after) <= 0 {
			continue
		}
		if at, _ := slices.BinarySearchFunc(page, p, orgPlace.compare); at <= q.limit {
			page = slices.Insert(page, at, p)
			page = page[:min(len(page), q.limit+1)]
		}
	}
	return page, busy
}

// orgsAt returns the orgs at these places, in their order.
func (h *handler) orgsAt(ctx context.Context, places []orgPlace, f *orgFacts) ([]inbox.Org, error) {
	if len(places) == 0 {
		return nil, nil
	}
	ids, at := make([]int64, len(places)), make(map[int64]int, len(places))
	for i, p := range places {
		ids[i] = f.ids[p.name]
		at[ids[i]] = i
	}
	orgs, err := h.Orgs.OrgsOf(ctx, ids)
	slices.SortFunc(orgs, func(a, b inbox.Org) int { return at[a.ID] - at[b.ID] })
	return orgs, err
}

func addLoad(w *admin.Org, o orgLoad) {
	w.Ready, w.OldestReadyMS, w.Dead, w.Uncertain = &o.ready, o.oldest, &o.dead, &o.left
}

// loadOf sums up the queues of an org.
func loadOf(queues []admin.Queue) (o orgLoad) {
	for _, q := range queues {
		o.ready, o.dead, o.left = o.ready+q.Ready, o.dead+q.Dead, o.left+q.Uncertain
		if q.OldestReadyMS != nil && (o.oldest == nil || *q.OldestReadyMS > *o.oldest) {
			o.oldest = q.OldestReadyMS
		}
	}
	return o
}

// known returns what live views know of orgs, newer if that is made in a moment;
// it waits for the very first look only.
func (c *collector) known(ctx context.Context) *orgFacts {
	f := c.orgs.Load()
	if f != nil && c.h.Now().Sub(f.at) < orgsEvery {
		return f
	}
	patience := boardPatience
	if f == nil {
		patience = pictureTime
	}
	made := make(chan struct{})
	go func() {
		defer close(made)
		c.picture(context.WithoutCancel(ctx))
	}()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-made:
	case <-t.C:
	case <-ctx.Done():
	}
	return c.facts()
}
