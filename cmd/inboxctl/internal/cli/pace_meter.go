package cli

import "time"

// pace measures how fast a count grows, over the last seconds of the server's
// clock.
type pace struct{ seen []paceSample }

type paceSample struct {
	at time.Time
	n  int64
}

// paceOver is how far back the measure goes: long enough to be calm, short
// enough to follow a canary that ends.
const paceOver = 8 * time.Second

func (p *pace) add(at time.Time, n int64) {
	p.seen = append(p.seen, paceSample{at, n})
	for len(p.seen) > 2 && at.Sub(p.seen[0].at) > paceOver {
		p.seen = p.seen[1:]
	}
}

// perS is 0 while it is not known.
func (p *pace) perS() float64 {
	if len(p.seen) < 2 {
		return 0
	}
	first, last := p.seen[0], p.seen[len(p.seen)-1]
	elapsed := last.at.Sub(first.at).Seconds()
	if elapsed <= 0 || last.n <= first.n {
		return 0
	}
	return float64(last.n-first.n) / elapsed
}
