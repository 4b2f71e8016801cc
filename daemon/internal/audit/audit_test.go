package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// bundle is a trail on a database of its own.
type bundle struct {
	*audit.Trail
	pool *pgxpool.Pool
}

func setup(tb testing.TB) *bundle {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), stacktest.Database(tb, store.Migrate))
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return &bundle{audit.NewTrail(pool), pool}
}

// change writes one entry in a transaction of its own.
func (b *bundle) change(ctx context.Context, c inbox.Change, r audit.Record) error {
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		return audit.Write(inbox.WithChange(ctx, &c), tx, r)
	})
}

func (b *bundle) write(tb testing.TB, n int) {
	tb.Helper()
	for i := range n {
		require.NoError(tb, b.change(tb.Context(), inbox.Change{
			Actor: "local:" + strconv.Itoa(i%3), Action: "holds.add", Reason: "naïve, 100% \"so\"\n", RequestID: "r", Source: "socket",
		}, audit.Record{OrgID: int64(i % 2), Target: fmt.Sprintf("hold %d", i), After: map[string]any{"a": 1.5, "b": []string{"ü"}}}))
	}
}

// exec does what only somebody with the keys of the database can: it steps
// around the triggers.
func (b *bundle) exec(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	err := pgx.BeginFunc(tb.Context(), b.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(tb.Context(), `ALTER TABLE audit DISABLE TRIGGER USER`); err != nil {
			return err
		}
		if _, err := tx.Exec(tb.Context(), sql, args...); err != nil {
			return err
		}
		_, err := tx.Exec(tb.Context(), `ALTER TABLE audit ENABLE TRIGGER USER`)
		return err
	})
	require.NoError(tb, err)
}

// A trail that anybody may rewrite proves nothing.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.write(t, 3)
	for _, sql := range []string{`UPDATE audit SET actor = 'x'`, `DELETE FROM audit WHERE id = 2`, `TRUNCATE audit`} {
		_, err := b.pool.Exec(t.Context(), sql)
		require.ErrorContains(t, err, "append-only", sql)
	}
	v, err := b.Verify(t.Context())
	require.NoError(t, err)
	require.Zero(t, v.BrokenID, v.Why)
	require.Equal(t, int64(3), v.Count)
}

// Whoever steps around that is found out, and the first broken entry is named.
func TestVerifyFindsWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql    string
		broken int64
	}{
		"Actor":      {`UPDATE audit SET actor = 'local:9' WHERE id = 4`, 4},
		"Reason":     {`UPDATE audit SET reason = reason || ' ' WHERE id = 4`, 4},
		"Time":       {`UPDATE audit SET at = at - interval '1 microsecond' WHERE id = 4`, 4},
		"Org":        {`UPDATE audit SET org_id = NULL WHERE id = 4`, 4},
		"Token":      {`UPDATE audit SET token_id = 1 WHERE id = 4`, 4},
		"Detail":     {`UPDATE audit SET detail = detail || '{"after":null}' WHERE id = 4`, 4},
		"Moved":      {`UPDATE audit SET target = target || action, action = '' WHERE id = 4`, 4},
		"Hash":       {`UPDATE audit SET hash = decode(repeat('00', 32), 'hex') WHERE id = 4`, 4},
		"Previous":   {`UPDATE audit SET prev_hash = decode(repeat('11', 32), 'hex') WHERE id = 4`, 4},
		"First":      {`DELETE FROM audit WHERE id = 1`, 1},
		"Removed":    {`DELETE FROM audit WHERE id = 4`, 4},
		"Renumbered": {`DELETE FROM audit WHERE id = 4; UPDATE audit SET id = id - 1 WHERE id > 4`, 4},
		"CutOff":     {`DELETE FROM audit WHERE id > 7`, 8},
		"Emptied":    {`DELETE FROM audit`, 1},
		"Forged":     {`INSERT INTO audit SELECT 11, at, actor, token_id, action, org_id, target, reason, detail, outcome, request_id, source, hash, decode(repeat('11', 32), 'hex') FROM audit WHERE id = 10`, 11},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.write(t, 10)
			for _, sql := range splitSQL(c.sql) {
				b.exec(t, sql)
			}
			v, err := b.Verify(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.broken, v.BrokenID, v.Why)
			require.NotEmpty(t, v.Why)
		})
	}
}

// splitSQL keeps pgx from preparing two statements as one.
func splitSQL(sql string) (parts []string) {
	last := 0
	for i, r := range sql {
		if r == ';' {
			parts, last = append(parts, sql[last:i]), i+1
		}
	}
	return append(parts, sql[last:])
}

// Changes of many operators at once, some of which fail, are one chain without a
// gap: a gap would look like a row that somebody removed.
func TestConcurrentChangesMakeOneChain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	failure := errors.New("changed my mind")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 40 {
				ctx := inbox.WithChange(t.Context(), &inbox.Change{Actor: fmt.Sprintf("token:%d", i), Action: "jobs.retry", RequestID: "r", Source: "socket"})
				err := pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
					if err := audit.Write(ctx, tx, audit.Record{Target: strconv.Itoa(k)}); err != nil {
						return err
					}
					if k%4 == 0 {
						return failure
					}
					return nil
				})
				if k%4 != 0 && err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v, err := b.Verify(t.Context())
	require.NoError(t, err)
	require.Zero(t, v.BrokenID, v.Why)
	require.Equal(t, int64(8*30), v.Count)
}

// The chain is walked in batches; the seams hold too.
func TestVerifyWalksBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.pool.Exec(t.Context(), `
INSERT INTO audit (actor, action, target, outcome, request_id, source)
SELECT 'local:0', 'holds.add', 'hold ' || n, 'done', 'r', 'socket' FROM generate_series(1, 2500) n`)
	require.NoError(t, err)
	begin := time.Now()
	v, err := b.Verify(t.Context())
	require.NoError(t, err)
	require.Zero(t, v.BrokenID, v.Why)
	require.Equal(t, int64(2500), v.Count)
	t.Logf("2500 entries in %s", time.Since(begin))
	b.exec(t, `UPDATE audit SET actor = 'x' WHERE id = 2101`)
	v, err = b.Verify(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(2101), v.BrokenID)
	require.Equal(t, int64(2100), v.Count)
}

// Every filter narrows, and pages neither skip nor repeat.
func TestEntries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.write(t, 9)
	require.NoError(t, b.change(t.Context(), inbox.Change{Actor: "token:5", TokenID: 5, Action: "limits.set", RequestID: "r10", Source: "tcp 192.0.2.1"}, audit.Record{Target: "limits weight", Begun: true}))
	var ids []int64
	for before := int64(0); ; {
		page, err := b.Entries(t.Context(), inbox.AuditFilter{Before: before, Limit: 4})
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			ids = append(ids, e.ID)
		}
		before = ids[len(ids)-1]
	}
	require.Equal(t, []int64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, ids)
	for name, c := range map[string]struct {
		filter inbox.AuditFilter
		n      int
	}{
		"All":    {inbox.AuditFilter{}, 10},
		"ID":     {inbox.AuditFilter{ID: 3}, 1},
		"Org":    {inbox.AuditFilter{OrgID: 1}, 4},
		"Actor":  {inbox.AuditFilter{Actor: "local:0"}, 3},
		"Action": {inbox.AuditFilter{Action: "limits.set"}, 1},
		"Since":  {inbox.AuditFilter{Since: time.Now().Add(time.Hour)}, 0},
		"Until":  {inbox.AuditFilter{Until: time.Now().Add(-time.Hour)}, 0},
		"Both":   {inbox.AuditFilter{Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}, 10},
	} {
		got, err := b.Entries(t.Context(), c.filter)
		require.NoError(t, err)
		require.Len(t, got, c.n, name)
	}
	newest, err := b.Entries(t.Context(), inbox.AuditFilter{Limit: 1})
	require.NoError(t, err)
	e := newest[0]
	require.WithinDuration(t, time.Now(), e.At, time.Minute)
	require.Equal(t, []string{"token:5", "limits.set", "limits weight", "begun", "r10", "tcp 192.0.2.1"}, []string{e.Actor, e.Action, e.Target, e.Outcome, e.RequestID, e.Source})
	require.Equal(t, int64(5), e.TokenID)
	require.Len(t, e.Hash, 32)
}

// What no operator asked for leaves no record.
func TestOnlyOperatorsAreRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		return audit.Write(t.Context(), tx, audit.Record{Target: "x"})
	}))
	v, err := b.Verify(t.Context())
	require.NoError(t, err)
	require.Zero(t, v.Count)
}
