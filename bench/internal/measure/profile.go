package measure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// profiled writes down where the time of f goes: a CPU profile of this process
// and the statements of PostgreSQL. Without a directory it only calls f.
func (b *Bench) profiled(ctx context.Context, s *rig.Servers, name string, f func() error) error {
	if b.Profile == "" {
		return f()
	}
	path := filepath.Join(b.Profile, strings.ReplaceAll(name, " ", "-"))
	if _, err := s.DB.Exec(ctx, `SELECT pg_stat_statements_reset()`); err != nil {
		return err
	}
	file, err := os.Create(path + ".pprof") //nolint:gosec // Whoever runs it says where.
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	err = f()
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	return writeStatements(ctx, s, path+".statements")
}

func writeStatements(ctx context.Context, s *rig.Servers, path string) error {
	rows, err := s.DB.Query(ctx, `
SELECT calls, rows, total_exec_time, shared_blks_hit, wal_bytes::bigint, left(regexp_replace(query, '\s+', ' ', 'g'), 300)
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY total_exec_time DESC LIMIT 25`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var calls, n, hits, wal int64
		var ms float64
		var query string
		if err := rows.Scan(&calls, &n, &ms, &hits, &wal, &query); err != nil {
			return err
		}
		fmt.Fprintf(&out, "%8.1f ms %6d calls %7d rows %9d hits %10d wal  %s\n", ms, calls, n, hits, wal, query)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(out.String()), 0o600)
}
