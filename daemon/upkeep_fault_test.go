package daemon_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// A worker dies after the provider has answered and before anything of it is
// stored: a new token that nobody has, spend that nobody has seen. Another
// worker asks again, with the old token, and both come out right.
func TestFaultUpkeepKilled(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("api")
	h.furnish()
	h.advertise()
	rows := recordedRows(t, time.Now().UTC().AddDate(0, 0, -10), "res_insights_page1")
	require.NoError(t, h.sim.SetBook(adAccount, metasim.Book{Rows: rows}))
	h.aging("system_user", waNumber)

	conn, err := pgx.Connect(t.Context(), h.dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `
INSERT INTO jobs (org_id, queue, job_type, priority, state, max_attempts, subject_id, serial_key, ready_at, deadline_at)
SELECT org_id, q, q, 2, 1, 8, id, id, now(), now() + interval '1 day'
FROM channels, unnest(ARRAY[4, 5]) q WHERE (kind, q) IN (('ad_account', 4), ('whatsapp', 5))`)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	tx, err = conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT 1 FROM channels FOR NO KEY UPDATE`) // what the answers are to be written to
	require.NoError(t, err)

	socket := h.socket
	victim := h.spawn("worker")
	h.socket = socket
	require.Eventually(t, func() bool {
		return h.sim.Renewals(waNumber) == 1 && len(h.sim.Asked(adAccount)) == 1
	}, patience, time.Millisecond)
	require.NoError(t, victim.Process.Signal(syscall.SIGKILL))
	_ = victim.Wait()
	// PostgreSQL would still carry out what it has of the dead: as if it had
	// never arrived, which is as likely.
	require.Eventually(t, func() bool {
		var waiting int
		err := tx.QueryRow(t.Context(), `
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		return err == nil && waiting == 0
	}, patience, 20*time.Millisecond)
	require.NoError(t, tx.Rollback(t.Context()))
	require.EqualValues(t, 1, h.tokenState(waNumber).Version)
	lines, _ := h.book()
	require.Empty(t, lines)

	h.start("worker")
	h.socket = socket
	require.EventuallyWithT(t, func(t *collect) {
		require.EqualValues(t, 2, h.tokenState(waNumber).Version)
		_, answer := h.book()
		require.NotEmpty(t, answer.Totals)
		require.Equal(t, "163.27", answer.Totals[0].Spend)
	}, 3*patience, 100*time.Millisecond)
	require.Equal(t, 2, h.sim.Renewals(waNumber))
	require.Equal(t, "active", h.tokenState(waNumber).State)
	conversation := h.customer(waNumber, "12025550101", "hello")
	h.awaitStatus(h.reply(conversation, "with the new token").Message.ID, "delivered", "read")
}
