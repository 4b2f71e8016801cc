package sla

import (
	"slices"
	"time"
)

// clamp moves t into from..to.
func clamp(t, from, to time.Time) time.Time {
	switch {
	case t.After(to):
		return to
	case t.Before(from):
		return from
	}
	return t
}

// until is clamp for what may not have happened: then the end.
func until(t, from, to time.Time) time.Time {
	if t.IsZero() {
		return to
	}
	return clamp(t, from, to)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// cut returns what is left of a span without others.
func cut(whole Span, others []Span) []Span {
	others = slices.Clone(others)
	slices.SortFunc(others, func(a, b Span) int { return a.From.Compare(b.From) })
	var left []Span
	at := whole.From
	for _, o := range others {
		from := clamp(o.From, at, whole.To)
		if from.After(at) {
			left = append(left, Span{at, from})
		}
		at = later(at, clamp(o.To, from, whole.To))
	}
	if at.Before(whole.To) {
		left = append(left, Span{at, whole.To})
	}
	return left
}

// overlap is how much of a span others cover.
func overlap(whole Span, others []Span) time.Duration {
	covered := whole.To.Sub(whole.From)
	for _, left := range cut(whole, others) {
		covered -= left.To.Sub(left.From)
	}
	return covered
}
