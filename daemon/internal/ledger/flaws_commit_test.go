package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// A pause is a control row. If it were written into every job of an org, a
// pause of a large backlog would take minutes, and so would its end.
func TestDesign3PauseChangesNoJobRow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.org(t, 1)
	b.add(t, job.New{}, job.New{}, job.New{}, job.New{}, job.New{RunAt: time.Now().Add(time.Hour)})
	b.exec(t, `UPDATE jobs SET state = 6 WHERE id = (SELECT max(id) - 1 FROM jobs)`)
	b.dispatch(t, 1)
	b.take(t, 1)
	versions := func() (all string) {
		require.NoError(t, b.pool.QueryRow(t.Context(), `
SELECT string_agg(id || ':' || state || ':' || xmin::text || ':' || xmax::text, ' ' ORDER BY id) FROM jobs`).Scan(&all))
		return all
	}
	before := versions()
	h, _, err := b.AddHold(t.Context(), control.Hold{OrgID: 1, Owner: "ana"}, time.Hour)
	require.NoError(t, err)
	require.Equal(t, before, versions())
	released, _, err := b.ReleaseHolds(t.Context(), []int64{h.ID}, "ana")
	require.NoError(t, err)
	require.Len(t, released, 1)
	require.Equal(t, before, versions())
}

// An outcome without its event would be an attempt nobody can count: both are
// written by one transaction.
func TestDesign3EventsCommitWithTheirOutcome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	com := b.committer(t, b.w1)
	for name, outcome := range map[string]func(job.Claimed) error{
		"a failed attempt": func(c job.Claimed) error { return finish(t, b, c, job.Retry) },
		"throttled":        func(c job.Claimed) error { return finish(t, b, c, job.Throttle) },
		"dead":             func(c job.Claimed) error { return finish(t, b, c, job.Fail) },
		"uncertain":        func(c job.Claimed) error { return finish(t, b, c, job.Doubt) },
		"resolved": func(c job.Claimed) error {
			_, err := com.Finish(t.Context(), c, job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous})
			require.NoError(t, err)
			_, err = b.Resolve(t.Context(), 0, c.ID, inspect.ResolvedNotSent, "ana")
			return err
		},
		"its worker died": func(job.Claimed) error {
			b.exec(t, `UPDATE jobs SET worker_id = 987654 WHERE state = 3`)
			_, err := b.Orphans(t.Context())
			return err
		},
	} {
		b.exec(t, `DELETE FROM jobs`)
		b.add(t, job.New{SubjectID: 1})
		c := b.take(t, 1)
		require.Len(t, c, 1, name)
		require.NoError(t, outcome(c[0]), name)
		require.Equal(t, 1, b.count(t, `
SELECT count(*) FROM jobs j JOIN job_events e ON e.job_id = j.id AND e.tx::xid::text = j.xmin::text WHERE j.id = $1`, c[0].ID), name)
	}
}

func finish(t *testing.T, b *bundle, c job.Claimed, v job.Verdict) error {
	t.Helper()
	ok, err := b.committer(t, b.w1).Finish(t.Context(), c, job.Result{Verdict: v, Class: job.ClassTransient})
	require.True(t, ok)
	return err
}
