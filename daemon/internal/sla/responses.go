package sla

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// PerE is how many buckets of response times there are while a time grows
// e-fold: bucket(ms) = ⌊ln(ms) · PerE⌋. A quantile is told as the middle of its
// bucket: it is off by less than e^(1/2·PerE) - 1, which is 2.1 %. However many
// episodes, a day of response times fits into 285 buckets.
const (
	PerE    = 25
	buckets = 1100 // more than any number of milliseconds needs
)

// Responses count response times by bucket. They are added up in any order and
// take no more room than there are buckets, once Sorted.
type Responses []Count

// Count is how many response times are in a bucket.
type Count struct {
	Bucket int16
	N      int32
}

// Add counts one response time, and returns r as append does.
func (r Responses) Add(d time.Duration) Responses {
	return append(r, Count{int16(math.Floor(math.Log(float64(max(d.Milliseconds(), 1))) * PerE)), 1})
}

// countSize is how many bytes a Count has in a record: its two numbers, the
// highest byte first.
const countSize = 6

// AddRecord counts what a record holds.
func (r Responses) AddRecord(record []byte) Responses {
	r = slices.Grow(r, len(record)/countSize)
	for ; len(record) >= countSize; record = record[countSize:] {
		r = append(r, Count{int16(binary.BigEndian.Uint16(record)), int32(binary.BigEndian.Uint32(record[2:]))}) //nolint:gosec // written as such
	}
	return r
}

// Sorted puts each bucket into one count, in order.
func (r Responses) Sorted() Responses {
	var n [buckets]int32
	low, high := buckets, -1
	for _, c := range r {
		b := min(max(int(c.Bucket), 0), buckets-1)
		n[b] += c.N
		low, high = min(low, b), max(high, b)
	}
	sorted := r[:0]
	for b := low; b <= high; b++ {
		if n[b] > 0 {
			sorted = append(sorted, Count{int16(b), n[b]})
		}
	}
	return sorted
}

// rank returns the smallest value that at least the share p does not exceed; 0
// for none. In the last bucket that is worst.
func (r Responses) rank(p float64, worst time.Duration) time.Duration {
	var n, seen int64
	for _, c := range r {
		n += int64(c.N)
	}
	wanted := int64(math.Ceil(p * float64(n)))
	for i, c := range r {
		if seen += int64(c.N); seen >= wanted && i < len(r)-1 {
			return time.Duration(math.Exp((float64(c.Bucket)+0.5)/PerE) * float64(time.Millisecond))
		}
	}
	return worst
}
