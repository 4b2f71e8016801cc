package gauge

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// Usage is what was used between two readings, or since the beginning.
type Usage struct {
	Wall     time.Duration
	Process  time.Duration // CPU of the contender: this process and those it started
	Postgres time.Duration
	Redis    time.Duration

	Statements, Commits, WAL int64
	Commands, Reads          int64 // of Redis; a read is one round trip's worth of commands
}

// Meter reads the counters of one pair of servers.
type Meter struct {
	s     *rig.Servers
	redis *redis.Client
	more  func() []int // further processes of the contender
	began time.Time
	first Usage
}

// Begin reads the counters; End reads them again.
func Begin(ctx context.Context, s *rig.Servers, more func() []int) (*Meter, error) {
	m := &Meter{s: s, redis: redis.NewClient(s.Redis), more: more}
	var err error
	m.first, err = m.read(ctx)
	m.began = time.Now()
	return m, err
}

// End returns what was used since Begin, which it ends.
func (m *Meter) End(ctx context.Context) (Usage, error) {
	wall := time.Since(m.began)
	u, err := m.read(ctx)
	_ = m.redis.Close()
	f := m.first
	return Usage{
		Wall: wall, Process: u.Process - f.Process, Postgres: u.Postgres - f.Postgres, Redis: u.Redis - f.Redis,
		Statements: u.Statements - f.Statements, Commits: u.Commits - f.Commits, WAL: u.WAL - f.WAL,
		Commands: u.Commands - f.Commands, Reads: u.Reads - f.Reads,
	}, err
}

func (m *Meter) read(ctx context.Context) (u Usage, err error) {
	u.Process = Own()
	for _, pid := range m.more() {
		d, err := Tree(pid)
		if err != nil {
			return u, fmt.Errorf("processor time of process %d: %w", pid, err)
		}
		u.Process += d
	}
	if u.Postgres, err = Tree(m.s.PIDs["postgres"]); err != nil {
		return u, err
	}
	if u.Redis, err = Tree(m.s.PIDs["redis"]); err != nil {
		return u, err
	}
	if err = readPostgres(ctx, m.s.DB, &u); err != nil {
		return u, err
	}
	return u, readRedis(ctx, m.redis, &u)
}

func readPostgres(ctx context.Context, db *pgx.Conn, u *Usage) error {
	err := db.QueryRow(ctx, `
SELECT (SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements(false) s JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()),
       (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),
       (pg_current_wal_insert_lsn() - '0/0')::bigint`).Scan(&u.Statements, &u.Commits, &u.WAL)
	if err != nil {
		return fmt.Errorf("counters of postgresql: %w", err)
	}
	return nil
}

func readRedis(ctx context.Context, client *redis.Client, u *Usage) error {
	info, err := client.Info(ctx, "stats").Result()
	if err != nil {
		return fmt.Errorf("counters of redis: %w", err)
	}
	u.Commands, u.Reads = infoNumber(info, "total_commands_processed"), infoNumber(info, "total_reads_processed")
	return nil
}

func infoNumber(info, name string) int64 {
	_, rest, _ := strings.Cut(info, name+":")
	text, _, _ := strings.Cut(rest, "\r\n")
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}
