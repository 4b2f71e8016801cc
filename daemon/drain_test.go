package daemon_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

// Who drains a worker to replace its machine must be able to trust the answer:
// after it that worker takes nothing more, by either lane, and after an undrain
// it works again. Nothing that waits is lost meanwhile.
func TestWorkersDrainAndUndrain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.redis, h.dial = stacktest.Redis(t), 50
	h.start("worker")
	h.start("worker")
	h.start("api")
	h.furnish()
	c := h.operator()
	var workers []string
	require.EventuallyWithT(t, func(t *collect) {
		workers = nil
		all, err := c.Workers(h.t.Context())
		require.NoError(t, err)
		for _, p := range all.Items {
			if p.Mode == "worker" {
				workers = append(workers, p.ID)
			}
		}
		require.Len(t, workers, 2)
	}, patience, 50*time.Millisecond)

	got, err := c.DrainWorker(t.Context(), admin.WorkerDrain{ID: workers[0], DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []any{1, false}, []any{got.Item.Others, got.Item.Draining})
	h.turn(c, workers[0], false)

	conversations := make([]string, 8)
	for i := range conversations {
		conversations[i] = h.customer(waNumber, "3460000010"+strconv.Itoa(i), "hello")
	}
	send := func() (jobs []string) {
		for _, id := range conversations {
			r := h.reply(id, "answer")
			h.awaitStatus(r.Message.ID, "accepted", "sent", "delivered", "read")
			jobs = append(jobs, r.Job.ID)
		}
		return jobs
	}
	for _, who := range h.ranBy(c, send()) {
		require.Equal(t, workers[1], who, "a drained worker took a job")
	}

	h.turn(c, workers[1], false)
	r := h.reply(conversations[0], "waits for a worker")
	require.Never(t, func() bool { return h.message(r.Message.ID).Status != "queued" }, time.Second, 50*time.Millisecond)
	s, err := c.Status(t.Context())
	require.NoError(t, err)
	require.False(t, s.Item.Healthy, "nobody works")

	h.turn(c, workers[0], true)
	h.awaitStatus(r.Message.ID, "accepted", "sent", "delivered", "read")
	ran := h.ranBy(c, send())
	require.Contains(t, ran, workers[0])
	require.NotContains(t, ran, workers[1])
}

// turn drains or undrains a worker, and wants the proof.
func (h *house) turn(c *admin.Client, worker string, undo bool) {
	h.t.Helper()
	got, err := c.DrainWorker(h.t.Context(), admin.WorkerDrain{ID: worker, Undo: undo, Reason: "test"})
	require.NoError(h.t, err)
	require.True(h.t, got.Item.Applied.Everywhere(), got.Item.Applied.Text())
	require.Equal(h.t, !undo, got.Item.Draining)
	if !undo {
		require.Equal(h.t, new(0), got.Item.Running)
	}
	require.Equal(h.t, got.Item.Applied.Version, *got.Item.ControlVersion)
}

// ranBy returns the processes that ran the last attempts of these jobs.
func (h *house) ranBy(c *admin.Client, jobs []string) (who []string) {
	h.t.Helper()
	for _, id := range jobs {
		require.EventuallyWithT(h.t, func(t *collect) {
			j, err := c.Job(h.t.Context(), id)
			require.NoError(t, err)
			require.NotEmpty(t, j.Item.Attempts)
			last := j.Item.Attempts[len(j.Item.Attempts)-1]
			require.NotNil(t, last.ProcessID)
			if !slices.Contains(who, *last.ProcessID) {
				who = append(who, *last.ProcessID)
			}
		}, patience, 50*time.Millisecond)
	}
	return who
}

// An api runs no jobs, so draining one is a slip; and a process that is not there
// has a nearest.
func TestDrainRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("api")
	h.furnish()
	c := h.operator()
	var all admin.List[admin.Process]
	require.EventuallyWithT(t, func(t *collect) {
		var err error
		all, err = c.Workers(h.t.Context())
		require.NoError(t, err)
		require.Len(t, all.Items, 1)
	}, patience, 50*time.Millisecond)
	_, err := c.DrainWorker(t.Context(), admin.WorkerDrain{ID: all.Items[0].ID})
	require.Equal(t, admin.Conflict, admin.KindOf(err))
	require.ErrorContains(t, err, "is an api: it runs no jobs")
	_, err = c.DrainWorker(t.Context(), admin.WorkerDrain{ID: "999999"})
	require.Equal(t, admin.NotFound, admin.KindOf(err))
}
