package latency

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// The buckets are those of the HDR histogram (G. Tene, HdrHistogram.org):
// logarithmic over the powers of two, linear within one. With values in
// microseconds and 16 buckets to a power of two,
//
//	bucket(v) = v                            for v < 32
//	bucket(v) = 16·e + ⌊v / 2^e⌋             else, with e = ⌊log2 v⌋ - 4
//
// so bucket b ≥ 32 holds 2^e values that are at least 16·2^e each. A quantile is
// told as the middle of its bucket: it is off by less than 2^e / 2, which is
// less than 1/32 (3.2 %) of the value, and not at all below 32 µs. Two
// histograms are merged by adding what is in their buckets, so nothing is lost
// over windows, orgs or processes.
const (
	perPower = 16
	exact    = 2 * perPower
	// Buckets is how many there are. The last one holds all from 2^43 µs (101
	// days) on.
	Buckets = perPower*39 + exact
)

// bucketOf returns the bucket of a number of microseconds.
func bucketOf(us int64) uint16 {
	if us < exact {
		return uint16(max(us, 0))
	}
	e := bits.Len64(uint64(us)) - 5
	return uint16(min(int64(perPower*e)+us>>e, Buckets-1)) //nolint:gosec // bounded
}

// floor returns the smallest number of microseconds in a bucket.
func floor(bucket uint16) int64 {
	if bucket < exact {
		return int64(bucket)
	}
	e := bucket/perPower - 1
	return int64(bucket-perPower*e) << e
}

// Floors returns the smallest number of microseconds of every bucket: all that
// somebody who counts elsewhere must know.
func Floors() []int64 {
	floors := make([]int64, Buckets)
	for b := range floors {
		floors[b] = floor(uint16(b))
	}
	return floors
}

// Histogram counts durations. Only buckets in use take room (8 bytes each), in
// order. The zero value is empty and ready to use; it is no more safe for
// concurrent use than a slice.
type Histogram []Count

// Count is how much is in one bucket.
type Count struct {
	Bucket uint16
	N      uint32
}

// Add counts one duration; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) { h.add(bucketOf(d.Microseconds()), 1) }

func (h *Histogram) add(bucket uint16, n uint32) {
	i, found := slices.BinarySearchFunc(*h, bucket, func(c Count, b uint16) int { return cmp.Compare(c.Bucket, b) })
	if found {
		(*h)[i].N += n
		return
	}
	*h = slices.Insert(*h, i, Count{bucket, n})
}

// Merge adds what another histogram has counted and leaves that one alone.
func (h *Histogram) Merge(o Histogram) {
	if len(*h) == 0 {
		*h = slices.Clone(o)
		return
	}
	for _, c := range o {
		h.add(c.Bucket, c.N)
	}
}

// N is how many were counted.
func (h *Histogram) N() (n int64) {
	for _, c := range *h {
		n += int64(c.N)
	}
	return n
}

// Quantile returns the value below or at which a share q of all lies (nearest
// rank), off by at most 1/32 of it. ok is false if nothing was counted.
func (h *Histogram) Quantile(q float64) (d time.Duration, ok bool) {
	n := h.N()
	if n == 0 {
		return 0, false
	}
	left := max(int64(math.Ceil(q*float64(n))), 1)
	for _, c := range *h {
		if left -= int64(c.N); left <= 0 {
			return middle(c.Bucket), true
		}
	}
	return middle((*h)[len(*h)-1].Bucket), true
}

func middle(bucket uint16) time.Duration {
	low, next := floor(bucket), floor(bucket+1)
	return time.Duration(low+next-1) * time.Microsecond / 2
}

// Octave counts the durations below a power of two of microseconds, and not
// below half of it (all below 1 ms are one octave).
type Octave struct {
	Below time.Duration
	N     int64
}

// Octaves returns the histogram in steps coarse enough to draw, from the first
// one in use to the last, empty ones between them included.
func (h *Histogram) Octaves() (all []Octave) {
	const first = 10 // 2^10 µs, about 1 ms
	for _, c := range *h {
		power := max(bits.Len64(uint64(floor(c.Bucket))), first) //nolint:gosec // not negative
		for len(all) > 0 && all[len(all)-1].Below < time.Microsecond<<power {
			all = append(all, Octave{Below: all[len(all)-1].Below * 2})
		}
		if len(all) == 0 {
			all = append(all, Octave{Below: time.Microsecond << power})
		}
		all[len(all)-1].N += int64(c.N)
	}
	return all
}
