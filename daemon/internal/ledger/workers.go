package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Process describes one process start in the workers table.
type Process struct {
	Host       string
	PID        int
	Mode       string // api, worker or all
	Version    string
	Slots      int // concurrent sends; 0 for an api
	Background int // concurrent background jobs
	MetricsURL string
	APIURL     string
}

// ErrDeclaredDead says that others have given this process up: its running
// jobs have been taken away, and it must start again under a new id.
var ErrDeclaredDead = errors.New("ledger: this process was declared dead")

// Register adds the process and returns its id.
func (l *Ledger) Register(ctx context.Context, p Process) (int64, error) {
	var id int64
	err := l.beats.QueryRow(ctx, `
INSERT INTO workers (host, pid, mode, version, slots, background_slots, metrics_url, api_url)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
		p.Host, p.PID, p.Mode, p.Version, p.Slots, p.Background, p.MetricsURL, p.APIURL).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("register the process: %w", err)
	}
	return id, nil
}

// Beat proves that the process lives. ErrDeclaredDead is final.
func (l *Ledger) Beat(ctx context.Context, id int64) error {
	tag, err := l.beats.Exec(ctx, `
UPDATE workers SET beat = beat + 1, beat_at = clock_timestamp() WHERE id = $1 AND dead_at IS NULL`, id)
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrDeclaredDead
	}
	return nil
}

// Drain marks the process as leaving: it takes no new work, and nobody can take
// that back.
func (l *Ledger) Drain(ctx context.Context, id int64) error {
	_, err := l.beats.Exec(ctx, `UPDATE workers SET draining = true, drained_by = '' WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("mark as draining: %w", err)
	}
	return nil
}

// Deregister removes the process after its drain. Jobs it left running are
// then found by the reconciler.
func (l *Ledger) Deregister(ctx context.Context, id int64) error {
	if _, err := l.beats.Exec(ctx, `DELETE FROM workers WHERE id = $1`, id); err != nil {
		return fmt.Errorf("deregister the process: %w", err)
	}
	return nil
}

// Beats returns the beat counter of every process not declared dead.
func (l *Ledger) Beats(ctx context.Context) (map[int64]int64, error) {
	rows, err := l.beats.Query(ctx, `SELECT id, beat FROM workers WHERE dead_at IS NULL`)
	if err != nil {
		return nil, fmt.Errorf("read the beats: %w", err)
	}
	type pair struct{ ID, Beat int64 }
	pairs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[pair])
	if err != nil {
		return nil, fmt.Errorf("read the beats: %w", err)
	}
	beats := make(map[int64]int64, len(pairs))
	for _, p := range pairs {
		beats[p.ID] = p.Beat
	}
	return beats, nil
}

// DeclareDead fences a process whose beat is still the one seen. It returns
// the time of death, or false if it has beaten since.
func (l *Ledger) DeclareDead(ctx context.Context, id, seen int64) (time.Time, bool, error) {
	var at time.Time
	err := l.beats.QueryRow(ctx, `
UPDATE workers SET dead_at = clock_timestamp() WHERE id = $1 AND beat = $2 AND dead_at IS NULL RETURNING dead_at`,
		id, seen).Scan(&at)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, fmt.Errorf("declare process %d dead: %w", id, err)
	}
	l.metrics.lost.Inc()
	return at, true, nil
}

// ForgetDead removes processes that have been dead for a day.
func (l *Ledger) ForgetDead(ctx context.Context) error {
	_, err := l.beats.Exec(ctx, `DELETE FROM workers WHERE dead_at < clock_timestamp() - interval '1 day'`)
	if err != nil {
		return fmt.Errorf("forget dead processes: %w", err)
	}
	return nil
}

// Healthy returns nil if the database answers and takes writes.
func (l *Ledger) Healthy(ctx context.Context) error {
	var standby, readOnly bool
	err := l.reads.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean`).Scan(&standby, &readOnly)
	switch {
	case err != nil:
		return fmt.Errorf("ask the database: %w", err)
	case standby:
		return errors.New("the database is a standby: it takes no writes")
	case readOnly:
		return errors.New("the database is read-only: it takes no writes")
	}
	return nil
}
