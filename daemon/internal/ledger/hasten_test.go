package ledger_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// A restricted account is left alone without a pause of ours, and comes back by
// the clock.
func TestRestrictedChannelIsBlocked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.channels(t)
	b.exec(t, `INSERT INTO restrictions (channel_id, covers, name, state, said_at, until) VALUES
		(1, 'sends', '', 'paused', now(), now() + interval '1 hour'), (1, 'templates', '', 'paused', now(), NULL),
		(2, 'sends', '', 'paused', now(), now() - interval '1 second'), (2, 'template', 'offer', 'paused', now(), NULL),
		(3, 'sends', '', 'lifted', now(), NULL)`)
	view, err := b.poll(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{1}, view.Channels, "not for a template, and not for what is over")
}

// What has been lifted goes on at once; what waits for something else waits,
// and a row that somebody holds is not waited for.
func TestHasten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.channels(t)
	rows := b.add(t, job.New{ChannelID: 1}, job.New{ChannelID: 2}, job.New{ChannelID: 1}, job.New{ChannelID: 1})
	b.exec(t, `UPDATE jobs SET state = 0, run_at = now() + interval '1 hour', error_class = 'template_paused'`)
	b.exec(t, `UPDATE jobs SET error_class = 'transient' WHERE id = $1`, rows[2])
	locked, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, locked.Rollback(t.Context())) }()
	_, err = locked.Exec(t.Context(), `SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE`, rows[3])
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		return b.Hasten(t.Context(), tx, []int64{1}, job.ClassTemplatePaused, job.ClassPolicyBlocked)
	}))
	_, err = b.poll(t.Context())
	require.NoError(t, err)
	for i, want := range []job.State{job.Ready, job.Scheduled, job.Scheduled, job.Scheduled} {
		require.Equal(t, want, b.state(t, rows[i]), "job %d", i)
	}
}
