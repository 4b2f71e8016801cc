package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// Whoever asks which tokens can go must see when each was used, and that must not
// cost a write per request.
func TestLastUseIsKnownToTheMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, clear, err := b.CreateToken(b.ctx, store.NewToken{Role: "viewer", ExpiresAt: at(86400)})
	require.NoError(t, err)
	used := func() time.Time {
		found, err := b.Token(b.ctx, 0, id)
		require.NoError(t, err)
		return found.LastUsedAt
	}
	look := func() {
		_, err := b.AuthenticateAdmin(b.ctx, clear)
		require.NoError(t, err)
	}
	require.Zero(t, used())
	look()
	first := used()
	require.WithinDuration(t, b.clock.Now(), first, time.Millisecond)
	b.clock.add(59 * time.Second)
	look()
	require.Equal(t, first, used(), "within the minute nothing is written")
	now := b.clock.add(time.Second)
	look()
	require.WithinDuration(t, now, used(), time.Millisecond)
}

// A revoked token is out at once for operators, and within the two seconds of the
// cache for the public API.
func TestRevoke(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, clear, err := b.CreateToken(b.ctx, store.NewToken{Role: "admin", OrgID: b.org.ID, ExpiresAt: at(86400)})
	require.NoError(t, err)
	api, apiClear, err := b.CreateToken(b.ctx, store.NewToken{OrgID: b.org.ID, UserID: b.user.ID})
	require.NoError(t, err)
	_, err = b.Authenticate(b.ctx, apiClear)
	require.NoError(t, err)

	_, err = b.RevokeToken(b.ctx, b.org.ID+1, id)
	requireFault(t, err, inbox.NotFound, "token_not_found")
	first, err := b.RevokeToken(b.ctx, b.org.ID, id)
	require.NoError(t, err)
	require.False(t, first.RevokedAt.IsZero())
	b.clock.add(time.Second)
	again, err := b.RevokeToken(b.ctx, 0, id)
	require.NoError(t, err)
	require.Equal(t, first, again, "what is revoked stays as it is")
	_, err = b.AuthenticateAdmin(b.ctx, clear)
	requireFault(t, err, inbox.Unauthorized, "token_revoked")

	_, err = b.RevokeToken(b.ctx, 0, api)
	require.NoError(t, err)
	b.clock.add(2 * time.Second)
	_, err = b.Authenticate(b.ctx, apiClear)
	requireFault(t, err, inbox.Unauthorized, "token_revoked")

	all, err := b.Tokens(b.ctx, b.org.ID)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, []string{"admin", ""}, []string{all[0].Role, all[1].Role})
	require.Equal(t, []string{"", "dana"}, []string{all[0].User, all[1].User})
	other, err := b.Tokens(b.ctx, b.org.ID+1)
	require.NoError(t, err)
	require.Empty(t, other)
}

// The number in a token names a row and proves nothing: another secret with that
// number learns neither that it is right nor that it has expired.
func TestNumberOfATokenProvesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, _, err := b.CreateToken(b.ctx, store.NewToken{Role: "admin", ExpiresAt: at(86400)})
	require.NoError(t, err)
	forged, _ := secret.Mint("admin", id)
	_, err = b.AuthenticateAdmin(b.ctx, forged)
	requireFault(t, err, inbox.Unauthorized, "bad_token")
	_, err = b.RevokeToken(b.ctx, 0, id)
	require.NoError(t, err)
	_, err = b.AuthenticateAdmin(b.ctx, forged)
	requireFault(t, err, inbox.Unauthorized, "bad_token")
	found, err := b.Token(b.ctx, 0, id)
	require.NoError(t, err)
	require.Zero(t, found.LastUsedAt)
}
