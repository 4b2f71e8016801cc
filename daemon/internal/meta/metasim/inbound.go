package metasim

import (
	"slices"
	"sync"
	"time"
)

// Inbound is the record of a message a simulated customer wrote.
type Inbound struct {
	Seq        int64     `json:"seq"` // from 1, in order of writing
	ProviderID string    `json:"provider_id"`
	Account    string    `json:"account"`
	Kind       Kind      `json:"kind"`
	Contact    Contact   `json:"contact"`
	At         time.Time `json:"at"`
	Posts      int       `json:"posts"`          // webhook POSTs that carried it
	OKAt       time.Time `json:"ok_at,omitzero"` // first POST that got 200; zero: none yet
	OKPosts    int       `json:"ok_posts"`       // POSTs that got 200
}

// inbox is the record of inbound messages; it keeps the last keep of them.
// Safe for concurrent use.
type inbox struct {
	keep int

	mu      sync.Mutex
	entries []*Inbound
	written int64
	okayed  int64
}

// add numbers and keeps a record.
func (b *inbox) add(rec *Inbound) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.entries) >= b.keep+b.keep/4 {
		b.entries = slices.Delete(b.entries, 0, len(b.entries)-b.keep)
	}
	b.written++
	rec.Seq = b.written
	b.entries = append(b.entries, rec)
}

// posted counts a POST that carried rec.
func (b *inbox) posted(rec *Inbound, ok bool, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rec.Posts++
	if !ok {
		return
	}
	if rec.OKPosts++; rec.OKPosts == 1 {
		rec.OKAt = at
		b.okayed++
	}
}

func (b *inbox) copyOf(rec *Inbound) Inbound {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *rec
}

func (b *inbox) since(seq int64) []Inbound {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Inbound{}
	if len(b.entries) == 0 {
		return out
	}
	from := min(max(seq+1-b.entries[0].Seq, 0), int64(len(b.entries)))
	for _, rec := range b.entries[from:] {
		out = append(out, *rec)
	}
	return out
}

func (b *inbox) stats() InboundStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return InboundStats{Written: b.written, Acknowledged: b.okayed}
}
