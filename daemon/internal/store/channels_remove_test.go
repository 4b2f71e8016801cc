package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// A number that is given up must be free for another org at once, its token must
// be gone, and what was said on it must stay readable.
func TestRemoveChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ingest(inbox.Batch{Inbound: []inbox.Inbound{b.says("wamid.1", time.Now())}})
	conversation := b.conversation()
	unfinished, conversations, err := b.ChannelUse(b.ctx, b.org.ID, b.whatsapp.ID)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 1}, []int64{unfinished, conversations})

	b.exec(`INSERT INTO jobs (org_id, queue, job_type, priority, state, max_attempts, channel_id, deadline_at) VALUES ($1, 1, 1, 1, 1, 5, $2, now() + interval '1 h')`,
		b.org.ID, b.whatsapp.ID)
	_, err = b.RemoveChannel(b.ctx, b.org.ID, b.whatsapp.ID, "given up")
	requireFault(t, err, inbox.Conflict, "channel_busy")
	b.exec(`UPDATE jobs SET state = 6`) // dead is no reason to keep it
	before := b.count(`SELECT version::int FROM control`)
	version, err := b.RemoveChannel(b.ctx, b.org.ID, b.whatsapp.ID, "given up")
	require.NoError(t, err)
	require.Equal(t, int64(before+1), version)

	all, err := b.Channels(b.ctx, b.org.ID)
	require.NoError(t, err)
	for _, c := range all {
		require.NotEqual(t, b.whatsapp.ID, c.ID)
	}
	require.Equal(t, 1, b.count(`SELECT count(*) FROM channels WHERE id = $1 AND token_sealed = '' AND state = 'broken'`, b.whatsapp.ID))
	require.Equal(t, 1, b.count(`SELECT count(*) FROM conversations WHERE id = $1`, conversation.ID))
	_, err = b.RemoveChannel(b.ctx, b.org.ID, b.whatsapp.ID, "twice")
	requireFault(t, err, inbox.NotFound, "channel_not_found")

	other, err := b.CreateOrg(b.ctx, inbox.Org{Name: "initech"})
	require.NoError(t, err)
	again, err := b.CreateChannel(b.ctx, inbox.Channel{OrgID: other.ID, Kind: b.whatsapp.Kind, ExternalID: b.whatsapp.ExternalID}, "EAAnew")
	require.NoError(t, err)
	require.NotEqual(t, b.whatsapp.ID, again.ID)
	b.ingest(inbox.Batch{Inbound: []inbox.Inbound{b.says("wamid.2", time.Now())}})
	require.Equal(t, 1, b.count(`SELECT count(*) FROM messages WHERE org_id = $1`, other.ID), "what comes now is the new org's")
	require.Equal(t, 1, b.count(`SELECT count(*) FROM messages WHERE conversation_id = $1`, conversation.ID))
}

// A new target is for clocks that start after it, and a setting that cannot be
// is refused whole.
func TestUpdateOrg(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := b.org
	want.SLATarget, want.Objective, want.TimeZone = 10*time.Minute, 0.9, "Europe/Madrid"
	set := func(to inbox.Org) func(*inbox.Org) error { return func(o *inbox.Org) error { *o = to; return nil } }
	before, got, err := b.UpdateOrg(b.ctx, b.org.ID, set(want))
	require.NoError(t, err)
	require.Equal(t, []inbox.Org{b.org, want}, []inbox.Org{before, got})
	bad := want
	bad.TimeZone = "Europe/Madridd"
	_, _, err = b.UpdateOrg(b.ctx, b.org.ID, set(bad))
	requireFault(t, err, inbox.Invalid, "bad_time_zone")
	_, _, err = b.UpdateOrg(b.ctx, 999, set(want))
	requireFault(t, err, inbox.NotFound, "org_not_found")
}
