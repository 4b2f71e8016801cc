package adminapi

import (
	"reflect"
	"slices"

	"github.com/bandeja/inboxd/admin"
)

// deltaOf says how a picture differs from the one a viewer has.
func deltaOf(had, now admin.Top) admin.TopDelta {
	return admin.TopDelta{
		Epoch: now.Epoch, Base: had.Seq, Seq: now.Seq, GeneratedAt: now.GeneratedAt, Parts: now.Parts, Vitals: now.Vitals, Totals: now.Totals, Alerts: now.Alerts,
		Queues:  rowsDelta(had.Queues, now.Queues, func(r admin.TopQueue) string { return r.ID }),
		Types:   rowsDelta(had.Types, now.Types, func(r admin.TopLatency) string { return r.ID }),
		Orgs:    rowsDelta(had.Orgs, now.Orgs, func(r admin.TopOrg) string { return r.ID }),
		Users:   rowsDelta(had.Users, now.Users, func(r admin.TopUser) string { return r.ID }),
		Limits:  rowsDelta(had.Limits, now.Limits, func(r admin.TopLimit) string { return r.ID }),
		Workers: rowsDelta(had.Workers, now.Workers, func(r admin.TopWorker) string { return r.ID }),
	}
}

func rowsDelta[T any](had, now []T, id func(T) string) admin.RowsDelta[T] {
	d := admin.RowsDelta[T]{Changed: []T{}, Removed: []string{}}
	before, order := make(map[string]T, len(had)), make([]string, 0, len(now))
	for _, r := range had {
		before[id(r)] = r
	}
	for _, r := range now {
		order = append(order, id(r))
		if old, known := before[id(r)]; !known || !reflect.DeepEqual(old, r) {
			d.Changed = append(d.Changed, r)
		}
		delete(before, id(r))
	}
	if !slices.EqualFunc(had, order, func(r T, word string) bool { return id(r) == word }) {
		d.Order = order
	}
	for word := range before {
		d.Removed = append(d.Removed, word)
	}
	slices.Sort(d.Removed)
	return d
}
