package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// generationFact names the row that remembers which Redis data set we filled.
const generationFact = "redis_generation"

// Generation returns the generation of the Redis data set as the ledger knows
// it; empty if none was ever set.
func (l *Ledger) Generation(ctx context.Context) (string, error) {
	var v string
	err := l.pool.QueryRow(ctx, `SELECT value FROM engine_facts WHERE name = $1`, generationFact).Scan(&v)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read the Redis generation: %w", err)
	}
	return v, nil
}

// SetGeneration stores a new generation if the old one is still old; false:
// somebody else was faster.
func (l *Ledger) SetGeneration(ctx context.Context, old, generation string) (bool, error) {
	tag, err := l.pool.Exec(ctx, `
INSERT INTO engine_facts (name, value) VALUES ($1, $3)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE engine_facts.value = $2`, generationFact, old, generation)
	if err != nil {
		return false, fmt.Errorf("store the Redis generation: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
