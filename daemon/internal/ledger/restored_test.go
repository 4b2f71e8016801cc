package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/latency"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

const insertFailed = `
INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, error_class, at)
SELECT n, 1, 1, 1, 1, 1, 1, 1, 'transient', now() - $1::interval FROM generate_series(1, $2::int) n`

// A dump brings rows with transactions of a server that had counted further. They
// belong to the past: whoever rebuilds a day counts them, whoever follows does
// not, now or when this server has counted as far.
func TestRestoredHistoryIsOfThePast(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	_, err := b.pool.Exec(b.ctx, insertEnded, 1)
	require.NoError(t, err)
	rows, err := b.AdoptRestored(b.ctx)
	require.NoError(t, err)
	require.Zero(t, rows, "nothing to do where nothing was restored")

	_, err = b.pool.Exec(b.ctx, `UPDATE job_history SET tx = (tx::text::bigint + 1000000)::text::xid8`)
	require.NoError(t, err)
	rows, err = b.AdoptRestored(b.ctx)
	require.NoError(t, err)
	require.Equal(t, int64(1), rows)

	now, err := b.Mark(b.ctx)
	require.NoError(t, err)
	_, err = b.pool.Exec(b.ctx, insertEnded, 2)
	require.NoError(t, err)
	after, err := b.Mark(b.ctx)
	require.NoError(t, err)
	require.Len(t, b.follow(t, now, after), 1, "only what is new")
	past := 0
	require.NoError(t, b.EndedWithin(b.ctx, now, now.At.Add(-time.Hour), now.At, 0, func(latency.Ended) { past++ }))
	require.Equal(t, 1, past)
}

// Whoever watches after a restore must see what happens, not last week's failures
// at each look, and not last hour's even where nobody has adopted them.
func TestFeedDoesNotRepeatWhatWasRestored(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	b.exec(t, insertFailed, 3*24*time.Hour, 2)
	b.exec(t, insertFailed, 2*time.Hour, 2)
	b.exec(t, insertFailed, time.Minute, 2)
	b.exec(t, `UPDATE job_events SET tx = (tx::text::bigint + 1000000)::text::xid8`)
	_, cursor, err := b.Feed(t.Context(), inspect.FeedCursor{At: time.Now()}, inspect.FeedFilter{})
	require.NoError(t, err)
	events, _, err := b.Feed(t.Context(), cursor, inspect.FeedFilter{})
	require.NoError(t, err)
	require.Len(t, events, 2, "those of the last hour, until they are adopted")
	rows, err := b.AdoptRestored(b.ctx)
	require.NoError(t, err)
	require.Equal(t, int64(4), rows, "of two days")
	_, cursor, err = b.Feed(t.Context(), inspect.FeedCursor{At: time.Now()}, inspect.FeedFilter{})
	require.NoError(t, err)
	b.exec(t, insertFailed, 0*time.Second, 1)
	for _, want := range []int{1, 0} {
		if events, cursor, err = b.Feed(t.Context(), cursor, inspect.FeedFilter{}); err != nil {
			break
		}
		require.Len(t, events, want)
	}
	require.NoError(t, err)
}

// A busy server's two days are more than one statement can do: each portion must
// stay done, or the api would begin anew at every start.
func TestRestoredIsAdoptedInPortions(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	for range 5 { // a transaction each
		b.exec(t, insertFailed, time.Minute, 10)
	}
	b.exec(t, `UPDATE job_events SET tx = (tx::text::bigint + 1000000)::text::xid8`)
	rows, err := ledger.AdoptEvents(b.ctx, b.Ledger, 15)
	require.NoError(t, err)
	require.Equal(t, int64(20), rows, "whole transactions")
	left, err := b.AdoptRestored(b.ctx)
	require.NoError(t, err)
	require.Equal(t, int64(30), left)
}

// A look at what is new must not read the day that there is.
func TestFeedReadsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	b.exec(t, insertFailed, time.Minute, 20000)
	var cursor inspect.FeedCursor
	look := func() (n, read int) {
		before := b.historyRead(t)
		events, next, err := b.Feed(t.Context(), cursor, inspect.FeedFilter{})
		require.NoError(t, err)
		cursor = next
		return len(events), b.historyRead(t) - before
	}
	cursor.At = time.Now()
	look()
	require.Eventually(t, func() bool { n, _ := look(); return n == 0 }, 30*time.Second, 50*time.Millisecond, "other tests' transactions end")
	require.Eventually(t, func() bool { _, read := look(); return read < 100 }, 30*time.Second, 50*time.Millisecond)
}
