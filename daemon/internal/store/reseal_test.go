package store_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

func sealerOf(t *testing.T, keys ...string) *secret.Sealer {
	t.Helper()
	for i, k := range keys {
		keys[i] = base64.StdEncoding.EncodeToString([]byte(strings.Repeat(k, secret.KeyBytes)))
	}
	s, err := secret.NewSealer(keys)
	require.NoError(t, err)
	return s
}

// Rotating the key must lose no token, must say which it cannot read, and must
// not undo what somebody wrote meanwhile.
func TestResealPutsEveryTokenUnderTheFirstKey(t *testing.T) {
	t.Parallel()
	b := database(t)
	org, err := b.CreateOrg(t.Context(), inbox.Org{Name: "acme"})
	require.NoError(t, err)
	before, during, after := sealerOf(t, "a"), sealerOf(t, "b", "a"), sealerOf(t, "b")
	const owner = "channel:ad_account:"
	add := func(id, sealed string) {
		b.exec(`INSERT INTO channels (org_id, kind, external_id, token_sealed) VALUES ($1, 'ad_account', $2, $3)`, org.ID, id, sealed)
	}
	for _, id := range []string{"1", "2", "3"} {
		sealed, err := before.Seal("token "+id, owner+id)
		require.NoError(t, err)
		add(id, sealed)
	}
	add("none", "")
	foreign, err := sealerOf(t, "c").Seal("lost", owner+"lost")
	require.NoError(t, err)
	add("lost", foreign)

	dry, err := store.Reseal(t.Context(), b.pool, during, true)
	require.NoError(t, err)
	require.Equal(t, 3, dry.Done)
	require.Equal(t, 3, b.count(`SELECT count(*) FROM channels WHERE token_sealed LIKE 'v%' AND external_id IN ('1','2','3') AND token_version = 1`))

	got, err := store.Reseal(t.Context(), b.pool, during, false)
	require.NoError(t, err)
	require.Equal(t, 3, got.Done)
	require.Len(t, got.Unreadable, 1)
	again, err := store.Reseal(t.Context(), b.pool, during, false)
	require.NoError(t, err)
	require.Equal(t, store.Resealed{Current: 3, Unreadable: got.Unreadable}, again, "stopped and called again it does what is left")

	for _, id := range []string{"1", "2", "3"} {
		var sealed string
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT token_sealed FROM channels WHERE external_id = $1`, id).Scan(&sealed))
		clear, err := after.Open(sealed, owner+id)
		require.NoError(t, err, "the old key is not needed any more")
		require.Equal(t, "token "+id, clear)
	}
}
