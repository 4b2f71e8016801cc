package daemon

import (
	"context"

	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// Resealed says what RotateKey found and did.
type Resealed = store.Resealed

// RotateKey encrypts every channel token under the first secret key, while
// processes run. It may be stopped and called again; with dry it only counts.
func RotateKey(ctx context.Context, c Config, dry bool) (Resealed, error) {
	sealer, err := secret.NewSealer(secret.RevealAll(c.SecretKeys))
	if err != nil {
		return Resealed{}, err
	}
	pool, err := store.Open(ctx, store.PoolOptions{
		DSN: c.DatabaseURL.Reveal(), Name: "inboxd rotate-key", MaxConns: 1,
	})
	if err != nil {
		return Resealed{}, err
	}
	defer pool.Close()
	return store.Reseal(ctx, pool, sealer, dry)
}
