package daemon_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// durable puts the house on servers of its own that flush as in production.
func (h *house) durable(b *testing.B) {
	b.Helper()
	stack, err := devstack.Start(b.Context(), devstack.Options{Redis: true, Durable: true})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, stack.Stop(b.Context())) })
	require.NoError(b, store.Migrate(b.Context(), stack.DatabaseURL))
	h.dsn, h.redis = stack.DatabaseURL, stack.RedisURL
}

// BenchmarkFloor is what BenchmarkSendStart has to be read beside: one durable
// commit of one row and one HTTP call on the same machine, at the same pace.
func BenchmarkFloor(b *testing.B) {
	h := newHouse(b)
	h.durable(b)
	conn, err := pgx.Connect(b.Context(), h.dsn)
	require.NoError(b, err)
	defer func() { _ = conn.Close(context.Background()) }()
	h.api = h.sim.URL()
	var commits, calls []time.Duration
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; b.Loop(); i++ {
		<-tick.C
		begin := time.Now()
		_, err := conn.Exec(b.Context(), `INSERT INTO engine_facts (name, value) VALUES ($1, '')`, strconv.Itoa(i))
		require.NoError(b, err)
		commits = append(commits, time.Since(begin))
		begin = time.Now()
		h.call(http.MethodGet, "/sim/rules", "", nil)
		calls = append(calls, time.Since(begin))
	}
	reportSpread(b, "commit-", commits)
	reportSpread(b, "http-", calls)
}

// BenchmarkSendStart measures from the 202 of the API to the send's arrival at
// Meta, at 50 per second, one api and one worker in processes of their own,
// durable commits: the design's target is P50 5 ms and P99 20 ms on each lane.
func BenchmarkSendStart(b *testing.B) {
	for name, dial := range map[string]int{"postgres": 0, "redis": 100} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b)
			h.durable(b)
			h.dial = dial
			h.start("api")
			h.furnish()
			h.spawn("worker")
			var conversations []string
			for i := range 20 {
				conversations = append(conversations, h.customer(waNumber, fmt.Sprint("120255501", 10+i), "hi"))
			}
			warm := h.reply(conversations[0], "warm up")
			h.awaitStatus(warm.Message.ID, "delivered")
			accepted := map[string]time.Time{}
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for i := 0; b.Loop(); i++ {
				<-tick.C
				r := h.reply(conversations[i%len(conversations)], "answer")
				accepted[r.Job.ID] = time.Now()
			}
			report(b, accepted, h.awaitSends(len(accepted)))
		})
	}
}

// awaitSends waits until n more than the first send have arrived at Meta.
func (h *house) awaitSends(n int) []metasim.Send {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return len(h.sim.Sends(0)) > n }, patience, time.Millisecond)
	return h.sim.Sends(0)
}

func report(b *testing.B, accepted map[string]time.Time, sends []metasim.Send) {
	b.Helper()
	var waits []time.Duration
	for _, s := range sends {
		if at, ok := accepted[s.Job]; ok {
			waits = append(waits, max(0, s.At.Sub(at)))
		}
	}
	reportSpread(b, "", waits)
}

func reportSpread(b *testing.B, what string, d []time.Duration) {
	b.Helper()
	slices.Sort(d)
	at := func(q float64) float64 { return float64(d[int(q*float64(len(d)-1))].Microseconds()) / 1000 }
	b.ReportMetric(at(0.5), what+"p50-ms")
	b.ReportMetric(at(0.99), what+"p99-ms")
}

// BenchmarkIdle measures what a worker without work costs: the target is 2 % of
// a core.
func BenchmarkIdle(b *testing.B) {
	h := newHouse(b)
	h.durable(b)
	h.dial = 50
	h.start("api")
	h.furnish()
	w := h.spawn("worker")
	<-time.After(3 * time.Second)
	const watch = 10 * time.Second
	for b.Loop() {
		before := cpuTime(b, w.Process.Pid)
		<-time.After(watch)
		b.ReportMetric(100*(cpuTime(b, w.Process.Pid)-before).Seconds()/watch.Seconds(), "%cpu")
	}
}

// cpuTime reads user and system time of a process from /proc.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(b, err)
	var user, system int64
	_, rest, _ := strings.Cut(string(raw), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	_, err = fmt.Sscan(fields[11], &user)
	require.NoError(b, err)
	_, err = fmt.Sscan(fields[12], &system)
	require.NoError(b, err)
	const ticksPerSecond = 100
	return time.Duration(user+system) * time.Second / ticksPerSecond
}
