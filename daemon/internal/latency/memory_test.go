package latency_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The bound must be one of real memory, whatever the orgs do: one job each, or
// many with times all over. Not parallel: it looks at the heap.
func TestBytesAreReal(t *testing.T) { //nolint:paralleltest // it looks at the heap
	for name, jobs := range map[string]int{"OneJob": 1, "ManyJobs": 20} {
		t.Run(name, func(t *testing.T) {
			l := &ledger{now: noon}
			tail, registry := newTail(t, l, options{})
			require.NoError(t, tail.Turn(t.Context()))
			before := heap()
			for i := range jobs {
				l.now = l.now.Add(time.Second / 10)
				for org := range int64(10_000) {
					l.rows = append(l.rows, ended(1+org, l.now, time.Duration(org+1)*time.Duration(i*i+1)*time.Millisecond))
				}
				require.NoError(t, tail.Turn(t.Context()))
			}
			l.rows = nil
			used, said := heap()-before, value(t, registry, "inboxd_latency_bytes")
			t.Logf("%.0f bytes by the heap, %.0f by the gauge; %.0f per org", used, said, used/10_000)
			require.Less(t, used, 1.5*said+8<<20, "names, labels and all orgs together are beside it")
			runtime.KeepAlive(tail)
		})
	}
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
