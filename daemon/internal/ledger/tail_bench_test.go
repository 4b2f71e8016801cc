package ledger_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/latency"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// BenchmarkTail follows 1,000 jobs a second of 1,000 orgs: what one turn costs,
// with 90 days of partitions. 30 ms are 3 % of a core.
func BenchmarkTail(b *testing.B) {
	bu := durable(b)
	for days := -90; days < 0; days += 8 {
		require.NoError(b, bu.Partitions(b.Context(), time.Now().AddDate(0, 0, days)))
	}
	bu.exec(b, `INSERT INTO orgs (id, name) SELECT n, 'org' || n FROM generate_series(1, 1000) n`)
	pool, err := store.Open(b.Context(), store.PoolOptions{DSN: bu.pool.Config().ConnString(), MaxConns: 1, Hot: true})
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	reader, err := ledger.New(ledger.Options{Pool: pool, Effects: bu.effects, Logger: discard()})
	require.NoError(b, err)
	tail, err := latency.New(latency.Options{
		Log: reader, Rollups: reader, Orgs: reader, Depths: reader, Logger: discard(), Registerer: prometheus.NewRegistry(),
	})
	require.NoError(b, err)
	require.NoError(b, tail.Turn(b.Context()))
	var wall, cpu time.Duration
	var backend int
	require.NoError(b, pool.QueryRow(b.Context(), `SELECT pg_backend_pid()`).Scan(&backend))
	server := processCPU(b, backend)
	for b.Loop() {
		b.StopTimer()
		for batch := range 20 { // as group commits write them
			bu.exec(b, `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, ready_at, started_at)
SELECT n, 1 + n, 1, 1, 1, 1, 1, 1, 1, now - n * interval '1 ms', now - n * interval '0.5 ms', now - n * interval '0.3 ms'
FROM clock_timestamp() now, generate_series($1::int * 50, $1::int * 50 + 49) n`, batch)
		}
		b.StartTimer()
		begin, used := time.Now(), selfCPU(b)
		require.NoError(b, tail.Turn(b.Context()))
		wall, cpu = wall+time.Since(begin), cpu+selfCPU(b)-used
	}
	server = processCPU(b, backend) - server
	b.ReportMetric(float64(server.Microseconds())/1000/float64(b.N), "server-cpu-ms/1000rows")
	b.ReportMetric(float64(wall.Microseconds())/1000/float64(b.N), "ms/1000rows")
	b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "own-cpu-ms/1000rows")
}

func selfCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processCPU is the time another process of this machine has used, to 10 ms.
func processCPU(b *testing.B, pid int) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(b, err)
	_, rest, _ := strings.Cut(string(raw), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	var user, system int64
	_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	require.NoError(b, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// BenchmarkRollUp makes one hour of 100 jobs a second of 5,000 orgs.
func BenchmarkRollUp(b *testing.B) {
	bu := durable(b)
	require.NoError(b, bu.Partitions(b.Context(), time.Now().AddDate(0, 0, -1)))
	bu.exec(b, `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, ready_at, started_at, finished_at)
SELECT n, 1 + n % 5000, 1, 1, 1, 1, 1, 1, 1, at - random() * interval '3 s', at - random() * interval '2 s', at - random() * interval '1 s', at
FROM generate_series(1, 360000) n CROSS JOIN LATERAL (SELECT date_trunc('hour', now()) - interval '2 hours' + n * interval '10 ms' AS at) x`)
	bu.exec(b, `ANALYZE job_history`)
	for b.Loop() {
		bu.exec(b, `DELETE FROM latency_rolled`)
		_, err := bu.RollUp(b.Context())
		require.NoError(b, err)
	}
	b.ReportMetric(float64(bu.count(b, `SELECT count(*) FROM latency_rollups`)), "rows")
	b.ReportMetric(float64(bu.count(b, `SELECT pg_total_relation_size('latency_rollups')`))/(1<<20), "MiB")
}
