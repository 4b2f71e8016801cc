package telemetry

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// OtherLabel is the label value of everything that has no series of its own. No
// org and no user can have this name.
const OtherLabel = "_other"

// LabelMode says which names become label values.
type LabelMode string

// The modes. LabelsAll has no bound but what is idle: it is for small
// installations.
const (
	LabelsTop LabelMode = "topk"
	LabelsOff LabelMode = "off"
	LabelsAll LabelMode = "all"
)

const (
	defaultTop = 50
	labelIdle  = time.Hour
	// labelTurn is how often the choice is looked at again; a weight halves in
	// ten turns.
	labelTurn  = time.Minute
	labelDecay = 0.933
	// takeOver is how much heavier a name must be than the lightest one kept
	// before it takes its place: two of the same weight must not swap for ever.
	takeOver = 2
	// maxRivals bounds the names that are weighed without being kept.
	maxRivals = 100_000
)

// LabelOptions bound the label values of one kind of name.
type LabelOptions struct {
	Mode LabelMode        // empty: LabelsTop
	Top  int              // most names kept at once with LabelsTop; 0: 50
	Now  func() time.Time // nil: time.Now
}

// Labels chooses which names of one kind (orgs; users with their org) keep
// series of their own. Prometheus pays for every series for ever, orgs are many
// thousands, and an operator looks at the busy ones: the busiest Top names are
// kept, the rest share OtherLabel, and a name nothing happens to for an hour
// goes. A name keeps its place until another is twice as busy, so series do not
// come and go. The key is what tells two names apart. Safe for concurrent use.
type Labels[K comparable] struct {
	o LabelOptions

	mu     sync.Mutex
	kept   map[K]*weight
	rivals map[K]*weight
	turned time.Time
}

type weight struct {
	w    float64
	seen time.Time
}

// NewLabels returns an empty choice.
func NewLabels[K comparable](o LabelOptions) *Labels[K] {
	o.Mode, o.Top = cmp.Or(o.Mode, LabelsTop), cmp.Or(o.Top, defaultTop)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Labels[K]{o: o, kept: map[K]*weight{}, rivals: map[K]*weight{}, turned: o.Now()}
}

// Weigh says that something of weight w happened to k, and reports whether k has
// a series of its own. Use OtherLabel if it has none.
func (l *Labels[K]) Weigh(k K, w float64) (own bool) {
	if l.o.Mode == LabelsOff {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.o.Now()
	if x := l.kept[k]; x != nil {
		x.w, x.seen = x.w+w, now
		return true
	}
	if l.o.Mode == LabelsAll || len(l.kept) < l.o.Top {
		x := cmp.Or(l.rivals[k], &weight{})
		delete(l.rivals, k)
		x.w, x.seen = x.w+w, now
		l.kept[k] = x
		return true
	}
	x := l.rivals[k]
	if x == nil {
		if len(l.rivals) >= maxRivals {
			return false
		}
		x = &weight{}
		l.rivals[k] = x
	}
	x.w, x.seen = x.w+w, now
	return false
}

// Has reports whether k has a series of its own, and changes nothing.
func (l *Labels[K]) Has(k K) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[k] != nil
}

// Turn looks at the choice again, at most once a minute however often it is
// called, and returns the names that have lost their place: delete their series
// before anything else is counted.
func (l *Labels[K]) Turn() (gone []K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.o.Now()
	turns := int(now.Sub(l.turned) / labelTurn)
	if turns < 1 {
		return nil
	}
	l.turned = now
	decay(l.kept, turns)
	decay(l.rivals, turns)
	maps.DeleteFunc(l.kept, func(k K, x *weight) bool {
		idle := now.Sub(x.seen) >= labelIdle
		if idle {
			gone = append(gone, k)
		}
		return idle
	})
	maps.DeleteFunc(l.rivals, func(_ K, x *weight) bool { return now.Sub(x.seen) >= labelIdle || x.w < 0.01 })
	return append(gone, l.challenge()...)
}

func decay[K comparable](weights map[K]*weight, turns int) {
	factor := 1.0
	for range min(turns, 1000) {
		factor *= labelDecay
	}
	for _, x := range weights {
		x.w *= factor
	}
}

// challenge lets the heaviest rivals take free places, then those of names less
// than half as heavy.
func (l *Labels[K]) challenge() (gone []K) {
	rivals, kept := byWeight(l.rivals), byWeight(l.kept)
	slices.Reverse(rivals)
	for _, k := range rivals {
		switch {
		case len(l.kept) < l.o.Top:
		case len(kept) > 0 && l.rivals[k].w >= takeOver*l.kept[kept[0]].w:
			l.rivals[kept[0]] = l.kept[kept[0]]
			delete(l.kept, kept[0])
			gone, kept = append(gone, kept[0]), kept[1:]
		default:
			return gone
		}
		l.kept[k] = l.rivals[k]
		delete(l.rivals, k)
	}
	return gone
}

// byWeight lists the names, lightest first.
func byWeight[K comparable](weights map[K]*weight) []K {
	return slices.SortedFunc(maps.Keys(weights), func(a, b K) int { return cmp.Compare(weights[a].w, weights[b].w) })
}
