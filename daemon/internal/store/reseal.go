package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Resealer is a Sealer that knows which of its keys comes first.
type Resealer interface {
	Sealer
	Current(sealed string) bool // sealed under the first key
}

// Resealed says what Reseal found and did.
type Resealed struct {
	Done       int     // tokens that were sealed anew
	Current    int     // tokens that already were under the first key
	Unreadable []int64 // channels whose token no key opens
}

const (
	resealChunk = 500
	resealTime  = 10 * time.Second // of one statement
)

// Reseal encrypts every channel token under the first key, while everything
// runs: each token in a statement of its own, and only if it is still the one
// that was read. It may be stopped at any moment and called again. Tokens that
// somebody sealed meanwhile under an older key are left for the next call. With
// dry it only counts.
func Reseal(ctx context.Context, pool *pgxpool.Pool, sealer Resealer, dry bool) (r Resealed, err error) {
	for after := int64(0); ; {
		tokens, err := sealedTokens(ctx, pool, after)
		if err != nil || len(tokens) == 0 {
			return r, err
		}
		for _, t := range tokens {
			if err := r.reseal(ctx, pool, sealer, t, dry); err != nil {
				return r, err
			}
			after = t.ID
		}
	}
}

type sealedToken struct {
	ID                 int64
	Kind               inbox.ChannelKind
	ExternalID, Sealed string
}

func sealedTokens(ctx context.Context, pool *pgxpool.Pool, after int64) ([]sealedToken, error) {
	ctx, cancel := context.WithTimeout(Named(ctx, QueryProvision), resealTime)
	defer cancel()
	rows, err := pool.Query(ctx, `
SELECT id, kind, external_id, token_sealed FROM channels WHERE token_sealed <> '' AND id > $1 ORDER BY id LIMIT $2`, after, resealChunk)
	if err != nil {
		return nil, fmt.Errorf("read channel tokens: %w", err)
	}
	tokens, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sealedToken])
	if err != nil {
		return nil, fmt.Errorf("read channel tokens: %w", err)
	}
	return tokens, nil
}

func (r *Resealed) reseal(ctx context.Context, pool *pgxpool.Pool, sealer Resealer, t sealedToken, dry bool) error {
	if sealer.Current(t.Sealed) {
		r.Current++
		return nil
	}
	owner := tokenOwner(t.Kind, t.ExternalID)
	clear, err := sealer.Open(t.Sealed, owner)
	if err != nil {
		r.Unreadable = append(r.Unreadable, t.ID) // and the others are sealed all the same
		return nil
	}
	if dry {
		r.Done++
		return nil
	}
	sealed, err := sealer.Seal(clear, owner)
	if err != nil {
		return fmt.Errorf("seal token of channel %d: %w", t.ID, err)
	}
	ctx, cancel := context.WithTimeout(Named(ctx, QueryProvision), resealTime)
	defer cancel()
	// The version stays: it is the same token.
	tag, err := pool.Exec(ctx, `UPDATE channels SET token_sealed = $3 WHERE id = $1 AND token_sealed = $2`, t.ID, t.Sealed, sealed)
	if err != nil {
		return fmt.Errorf("store token of channel %d: %w", t.ID, err)
	}
	r.Done += int(tag.RowsAffected())
	return nil
}
