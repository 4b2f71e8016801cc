package adminapi

import (
	"time"

	"github.com/bandeja/inboxd/admin"
)

// series is the past of what live views draw: one point each topIdle, of at most
// topPoints. It is kept while nobody looks too.
type series struct {
	noted  time.Time
	points []point
}

// point is what is kept of one picture.
type point struct {
	queues map[string]trackPoint
	types  map[string]*float64 // P95 end to end, ms
	orgs   map[string]float64  // ready
	depth  int64
}

type trackPoint struct{ ready, p95, in, out *float64 }

// note keeps a picture if a step has passed since the last one kept.
func (s *series) note(t admin.Top) {
	if !s.noted.IsZero() && t.GeneratedAt.Sub(s.noted) < topIdle-topEvery/2 {
		return
	}
	s.noted = t.GeneratedAt
	p := point{queues: map[string]trackPoint{}, types: map[string]*float64{}, orgs: map[string]float64{}, depth: t.Vitals.Depth}
	for _, q := range t.Queues {
		ready := float64(q.Ready)
		p.queues[q.ID] = trackPoint{&ready, q.Wait.P95MS, q.InPerS, q.OutPerS}
	}
	for _, y := range t.Types {
		p.types[y.ID] = y.Windows["1m"].E2E.P95MS
	}
	for _, o := range t.Orgs {
		p.orgs[o.ID] = float64(o.Ready)
	}
	s.points = append(s.points, p)
	if len(s.points) > topPoints {
		s.points = s.points[len(s.points)-topPoints:]
	}
}

// wire returns the newest points, oldest first.
func (s *series) wire(n int) *admin.TopSeries {
	points := s.points[max(len(s.points)-n, 0):]
	w := &admin.TopSeries{
		StepMS: topIdle.Milliseconds(), Queues: map[string]admin.TopTrack{}, Types: map[string][]*float64{}, Orgs: map[string][]*float64{},
	}
	for i, p := range points {
		for id, q := range p.queues {
			track, known := w.Queues[id]
			if !known {
				track = admin.TopTrack{Ready: blanks(len(points)), P95MS: blanks(len(points)), In: blanks(len(points)), Out: blanks(len(points))}
				w.Queues[id] = track
			}
			track.Ready[i], track.P95MS[i], track.In[i], track.Out[i] = q.ready, q.p95, q.in, q.out
		}
		for id, v := range p.types {
			if w.Types[id] == nil {
				w.Types[id] = blanks(len(points))
			}
			w.Types[id][i] = v
		}
		for id, v := range p.orgs {
			if w.Orgs[id] == nil {
				w.Orgs[id] = blanks(len(points))
			}
			w.Orgs[id][i] = &v
		}
	}
	return w
}

func blanks(n int) []*float64 { return make([]*float64, n) }
