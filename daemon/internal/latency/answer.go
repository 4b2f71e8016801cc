package latency

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const defaultLimit = 50

// Latency answers a question, from memory as far as it reaches: a day of a
// single org is in the roll-ups, and an org that found no room is read from the
// log. It returns a Temporary fault until the windows are rebuilt.
func (t *Tail) Latency(ctx context.Context, q Query) (Answer, error) {
	w := t.windows()
	if w == nil {
		return Answer{}, inbox.Faultf(inbox.Temporary, "latency_loading", "latency is being rebuilt from history: ask again in a few seconds")
	}
	q.Limit = cmp.Or(q.Limit, defaultLimit)
	w.mu.Lock()
	a := Answer{Since: w.since(q.Window), AsOf: w.asOf}
	w.mu.Unlock()
	found := map[Key]*Times{}
	var err error
	switch {
	case !q.alone():
		w.sum(q, w.level(q.Window), a.Since, found)
	case q.Window > w.levels[hourly-1].long:
		err = t.day(ctx, w, q, &a, found)
	case q.OrgID != 0:
		err = t.org(ctx, w, q, a.Since, found)
	default:
		n, whole := w.busiest(q, w.level(q.Window), a.Since)
		a.Partial = !whole
		w.sumOf(q, w.level(q.Window), a.Since, top(n, q.Limit), found)
	}
	if err != nil {
		return Answer{}, err
	}
	a.Groups, err = t.groups(ctx, q, found)
	return a, err
}

// org counts one org, from the log if memory has not all of it.
func (t *Tail) org(ctx context.Context, w *windows, q Query, since time.Time, found map[Key]*Times) error {
	if w.sum(q, w.level(q.Window), since, found) {
		return nil
	}
	clear(found)
	return t.read(ctx, q, since, found)
}

func (t *Tail) read(ctx context.Context, q Query, since time.Time, found map[Key]*Times) error {
	return t.o.Log.EndedWithin(ctx, Mark{}, since, time.Time{}, q.OrgID, func(e Ended) { q.add(found, e) })
}

func (q Query) add(found map[Key]*Times, e Ended) {
	if g, ok := q.group(e.Key); ok {
		if found[g] == nil {
			found[g] = &Times{}
		}
		found[g].Add(e)
	}
}

// day counts single orgs over a day: full hours from the roll-ups, what is
// after them from memory or the log.
func (t *Tail) day(ctx context.Context, w *windows, q Query, a *Answer, found map[Key]*Times) error {
	t.mu.Lock()
	until := t.rolled.Until
	t.mu.Unlock()
	f := RollupFilter{Since: a.Since, Until: until, OrgIDs: []int64{q.OrgID}}
	fine := &w.levels[hourly-1]
	rest := until
	if earliest := a.AsOf.Truncate(fine.width).Add(-fine.width * time.Duration(len(fine.ring)-1)); rest.Before(earliest) {
		rest, a.Partial = earliest, true // the roll-ups are behind
	}
	if q.OrgID == 0 {
		n, whole := w.busiest(q, fine, rest)
		a.Partial = a.Partial || !whole
		busy, err := t.o.Rollups.BusyOrgs(ctx, f, int16(q.Queue), int16(q.Type), 2*q.Limit)
		if err != nil {
			return err
		}
		for org, m := range busy {
			n[org] += m
		}
		f.OrgIDs = top(n, q.Limit)
		w.sumOf(q, fine, rest, f.OrgIDs, found)
	} else if whole := w.sum(q, fine, rest, found); !whole || a.Partial {
		clear(found)
		a.Partial = false
		if err := t.read(ctx, q, until, found); err != nil {
			return err
		}
	}
	return t.past(ctx, q, f, found)
}

// maxPasts bounds how many sums of full hours are kept.
const maxPasts = 256

// pastKey is what the full hours of one org were asked for by.
type pastKey struct {
	q           Query
	from, until time.Time // full hours
}

// past adds the full hours up. Those of one org are read once an hour: live
// pictures of it ask every second.
func (t *Tail) past(ctx context.Context, q Query, f RollupFilter, found map[Key]*Times) error {
	if q.OrgID == 0 {
		return t.o.Rollups.Rollups(ctx, f, func(r Rollup) { q.addRollup(found, r) })
	}
	k := pastKey{q, f.Since.Add(time.Hour - 1).Truncate(time.Hour), f.Until}
	t.mu.Lock()
	sums := t.pasts[k]
	t.mu.Unlock()
	if sums == nil {
		sums = map[Key]*Times{}
		if err := t.o.Rollups.Rollups(ctx, f, func(r Rollup) { q.addRollup(sums, r) }); err != nil {
			return err
		}
		t.keepPast(k, sums)
	}
	for g, times := range sums {
		if found[g] == nil {
			found[g] = &Times{}
		}
		found[g].Merge(times)
	}
	return nil
}

func (t *Tail) keepPast(k pastKey, sums map[Key]*Times) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pasts == nil || len(t.pasts) >= maxPasts {
		t.pasts = map[pastKey]map[Key]*Times{}
	}
	t.pasts[k] = sums
}

func (q Query) addRollup(found map[Key]*Times, r Rollup) {
	if g, ok := q.group(r.Key); ok {
		if found[g] == nil {
			found[g] = &Times{}
		}
		found[g].Of(r.Metric).Merge(r.Times)
	}
}

// groups puts the lines in order: orgs by how much they did, the rest as
// operators know them.
func (t *Tail) groups(ctx context.Context, q Query, found map[Key]*Times) (all []Group, err error) {
	orgs := map[int64]bool{}
	for k := range found {
		orgs[k.OrgID] = true
	}
	var names map[int64]string
	if q.By == ByOrg {
		if names, err = t.names.of(ctx, orgs); err != nil {
			return nil, err
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(found), func(a, b Key) int {
		if q.By == ByOrg {
			return cmp.Or(cmp.Compare(found[b].n(), found[a].n()), cmp.Compare(names[a.OrgID], names[b.OrgID]))
		}
		return cmp.Or(cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Type, b.Type))
	}) {
		all = append(all, Group{Key: k, Org: names[k.OrgID], Times: found[k]})
	}
	return all, nil
}
