package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// What dispatch may send changes under a version, or no process would notice;
// and only the channel's own org may change it.
func TestSetChannelState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	version := func() int { return b.count(`SELECT version::int FROM control`) }
	before := version()
	c, v, err := b.SetChannelState(b.ctx, b.org.ID, b.insta.ID, inbox.ChannelPaused)
	require.NoError(t, err)
	require.Equal(t, inbox.ChannelPaused, c.State)
	require.Equal(t, b.insta.ExternalID, c.ExternalID)
	require.Equal(t, before+1, version())
	require.Equal(t, int64(before+1), v)
	_, _, err = b.SetChannelState(b.ctx, b.org.ID+1, b.insta.ID, inbox.ChannelActive)
	requireFault(t, err, inbox.NotFound, "channel_not_found")
	require.Equal(t, before+1, version(), "nothing changed, so nothing was raised")
	require.Empty(t, b.jobs.woke)
	_, _, err = b.SetChannelState(b.ctx, b.org.ID, b.insta.ID, inbox.ChannelActive)
	require.NoError(t, err)
	require.NotEmpty(t, b.jobs.woke, "what waited goes on at once")
}

// A new token repairs a channel that the provider had refused. It must not undo
// a pause, which somebody wanted for another reason.
func TestSetChannelToken(t *testing.T) {
	t.Parallel()
	shared := database(t)
	for before, after := range map[inbox.ChannelState]inbox.ChannelState{
		inbox.ChannelActive: inbox.ChannelActive, inbox.ChannelBroken: inbox.ChannelActive, inbox.ChannelPaused: inbox.ChannelPaused,
	} {
		t.Run(string(before), func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			b.exec(`UPDATE channels SET state = $2 WHERE id = $1`, b.whatsapp.ID, before)
			c, v, err := b.SetChannelToken(b.ctx, b.org.ID, b.whatsapp.ID, "EAAnew")
			require.NoError(t, err)
			require.NotZero(t, v)
			require.Equal(t, after, c.State)
			require.Equal(t, 1, b.count(`SELECT count(*) FROM channels WHERE id = $1 AND token_sealed = $2`,
				b.whatsapp.ID, "channel:whatsapp:"+b.whatsapp.ExternalID+"|EAAnew"))
			_, _, err = b.SetChannelToken(b.ctx, b.org.ID, b.whatsapp.ID, "a b")
			requireFault(t, err, inbox.Invalid, "bad_token")
			_, _, err = b.SetChannelToken(b.ctx, b.org.ID+1, b.whatsapp.ID, "EAAnew")
			requireFault(t, err, inbox.NotFound, "channel_not_found")
		})
	}
}

// A channel that was stopped because Meta refused its token works again with
// another one, and a renewal of the old one that is under way comes too late:
// it must not overwrite what the operator has set.
func TestOperatorsTokenWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.whatsapp.ID
	b.exec(`UPDATE channels SET state = 'paused', state_reason = 'refused', token_refused = true, token_alert = 2, token_version = 7 WHERE id = $1`, id)
	c, _, err := b.SetChannelToken(b.ctx, b.org.ID, id, "EAAnew")
	require.NoError(t, err)
	require.Equal(t, inbox.ChannelActive, c.State)
	require.Equal(t, 1, b.count(`SELECT count(*) FROM channels WHERE id = $1 AND token_version = 8 AND NOT token_refused AND token_alert = 0 AND state_reason = ''`, id))

	b.exec(`UPDATE channels SET state = 'paused', token_refused = true WHERE id = $1`, id)
	_, _, err = b.SetChannelState(b.ctx, b.org.ID, id, inbox.ChannelActive)
	require.NoError(t, err)
	require.Zero(t, b.count(`SELECT count(*) FROM channels WHERE id = $1 AND token_refused`, id), "the operator has looked: try it")
}
