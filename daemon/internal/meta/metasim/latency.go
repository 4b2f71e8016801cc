package metasim

import (
	"math"
	"sync"
	"time"
)

// Buckets of the latency histogram: 10 µs growing by 5 % to over a minute, so
// that a percentile is off by 5 % at most.
const (
	firstBucket  = 10 * time.Microsecond
	bucketGrowth = 1.05
	bucketCount  = 330
)

// latencies is a histogram of durations. Safe for concurrent use.
type latencies struct {
	mu     sync.Mutex
	counts [bucketCount]int64
	n      int64
}

func (l *latencies) add(d time.Duration) {
	i := int(math.Ceil(math.Log(float64(max(d, firstBucket))/float64(firstBucket)) / math.Log(bucketGrowth)))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[min(i, bucketCount-1)]++
	l.n++
}

// percentile returns the duration in milliseconds below which the share p of
// all lies, 0 if there is none.
func (l *latencies) percentile(p float64) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	rank := int64(math.Ceil(p * float64(l.n)))
	for i, n := range l.counts {
		if rank -= n; rank <= 0 && l.n > 0 {
			upper := float64(firstBucket) * math.Pow(bucketGrowth, float64(i))
			return math.Round(upper/float64(time.Millisecond)*1000) / 1000
		}
	}
	return 0
}
