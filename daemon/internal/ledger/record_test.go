package ledger_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// requested is a context under which an operator changes something.
func requested(t *testing.T, action string) context.Context {
	t.Helper()
	return inbox.WithChange(t.Context(), &inbox.Change{Actor: "token:5", TokenID: 5, Action: action, RequestID: "r", Source: "socket"})
}

func (b *bundle) recorded(t *testing.T) (rows []string) {
	t.Helper()
	got, err := b.pool.Query(t.Context(), `SELECT action || ' ' || target || ' ' || outcome || ' ' || coalesce(org_id, 0) FROM audit ORDER BY id`)
	require.NoError(t, err)
	defer got.Close()
	for got.Next() {
		var row string
		require.NoError(t, got.Scan(&row))
		rows = append(rows, row)
	}
	require.NoError(t, got.Err())
	return rows
}

// An operation is one record, written as it begins: what cannot be recorded does
// not begin.
func TestOperationIsRecordedAsItBegins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, make([]job.New, 600)...)
	b.exec(t, `UPDATE jobs SET state = 6`)
	b.exec(t, `ALTER TABLE audit ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	_, err := b.RetryDead(requested(t, "jobs.retry"), inspect.Filter{}, "token:5")
	require.ErrorContains(t, err, "record the change")
	require.Equal(t, 600, b.count(t, `SELECT count(*) FROM jobs WHERE state = 6`))
	b.exec(t, `ALTER TABLE audit DROP CONSTRAINT full_disk`)
	require.Empty(t, b.recorded(t))

	n, err := b.RetryDead(requested(t, "jobs.retry"), inspect.Filter{OrgIDs: []int64{1}}, "token:5")
	require.NoError(t, err)
	require.Equal(t, 600, n)
	_, err = b.RetryDead(t.Context(), inspect.Filter{}, "nobody who asked")
	require.NoError(t, err)
	require.Len(t, b.recorded(t), 1)
	require.Regexp(t, `^jobs\.retry operation \d+ begun 1$`, b.recorded(t)[0])

	b.exec(t, `UPDATE jobs SET state = 6`)
	o, err := b.PlanOperation(t.Context(), operation.Request{Kind: operation.Retry, Actor: "token:5", Reason: "INC-1"})
	require.NoError(t, err)
	_, err = b.CommitOperation(requested(t, "ops.commit"), 0, o.ID, operation.Terms{})
	require.NoError(t, err)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM audit WHERE action = 'ops.commit' AND reason = 'INC-1' AND detail::text LIKE '%planned_by%'`))
}

// What was so already is no change: it leaves no record.
func TestNothingChangedIsNotRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, err := b.ReleaseHolds(requested(t, "holds.release"), []int64{7}, "token:5")
	require.NoError(t, err)
	_, _, err = b.ResetLimits(requested(t, "limits.reset"), control.LimitReset{OrgID: 1, Owner: "ana"})
	require.NoError(t, err)
	_, err = b.Resolve(requested(t, "jobs.resolve"), 0, 99, inspect.ResolvedSent, "token:5")
	require.Equal(t, inbox.NotFound, inbox.KindOf(err))
	require.Empty(t, b.recorded(t))
	hold, _, err := b.AddHold(requested(t, "holds.add"), control.Hold{Queue: job.WhatsApp, Owner: "token:5"}, 0)
	require.NoError(t, err)
	require.NotZero(t, hold.ID)
	require.Equal(t, []string{"holds.add hold 1 done 0"}, b.recorded(t))
}

// Who stops an operation, or drains a worker, is on record too.
func TestAbortAndDrainAreRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{})
	b.exec(t, `UPDATE jobs SET state = 6`)
	o, err := b.PlanOperation(t.Context(), operation.Request{Kind: operation.Retry, Actor: "token:5"})
	require.NoError(t, err)
	_, err = b.AbortOperation(requested(t, "ops.abort"), 0, o.ID, "token:5", "")
	require.NoError(t, err)
	worker := b.register(t)
	_, err = b.DrainWorker(requested(t, "workers.drain"), worker, "token:5")
	require.NoError(t, err)
	require.Len(t, b.recorded(t), 2)
	require.Contains(t, b.recorded(t)[0], "ops.abort operation ")
	require.Contains(t, b.recorded(t)[1], "workers.drain worker ")
}
