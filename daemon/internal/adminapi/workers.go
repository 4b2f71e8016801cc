package adminapi

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// Drainer makes a process take no new work, and takes that back. Both return the
// control version under which it holds.
type Drainer interface {
	DrainWorker(ctx context.Context, id int64, by string) (version int64, err error)
	UndrainWorker(ctx context.Context, id int64) (version int64, err error)
}

func (h *handler) listWorkers(ctx context.Context, c *call) (any, error) {
	if err := unbound(c.caller, "see processes"); err != nil {
		return nil, err
	}
	all, err := h.Jobs.Processes(ctx)
	if err != nil {
		return nil, err
	}
	return list(h, "workers", wireProcesses(all)), nil
}

func (h *handler) showWorker(ctx context.Context, c *call) (any, error) {
	if err := unbound(c.caller, "see processes"); err != nil {
		return nil, err
	}
	p, _, err := h.process(ctx, c.path("id"))
	if err != nil {
		return nil, err
	}
	return one(h, "worker", wireProcess(p)), nil
}

// process finds a process by its id or host:pid, and counts the others that take
// work.
func (h *handler) process(ctx context.Context, name string) (found inspect.Process, others int, err error) {
	all, err := h.Jobs.Processes(ctx)
	if err != nil {
		return found, 0, err
	}
	is := func(p inspect.Process) bool { return idOf(p.ID) == name || placeOf(p) == name }
	i := slices.IndexFunc(all, is)
	if i < 0 {
		var known []string
		for _, p := range all {
			known = append(known, placeOf(p))
		}
		return found, 0, unknownName("worker", name, "", known)
	}
	for _, p := range all {
		if p.ID != all[i].ID && p.Mode != modeAPI && !p.Draining && p.BeatAge < beatLimit {
			others++
		}
	}
	return all[i], others, nil
}

const modeAPI = "api" // runs no jobs

func placeOf(p inspect.Process) string { return p.Host + ":" + strconv.Itoa(p.PID) }

// drainWorker answers when the process has applied it and has ended what it ran,
// or AppliedTime is over.
func (h *handler) drainWorker(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.WorkerDrain](c)
	if err != nil {
		return nil, err
	}
	if err := unbound(c.caller, "drain a worker"); err != nil {
		return nil, err
	}
	if r.ID == "" {
		return nil, inbox.Faultf(inbox.Invalid, "no_worker", "name the process by its id or host:pid: `inboxctl workers list` shows both")
	}
	p, others, err := h.process(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if err := mayTurn(p); err != nil {
		return nil, err
	}
	if r.Undo {
		c.change.Action = actionUndrain
	}
	result := admin.WorkerResult{Process: wireProcess(p), DryRun: r.DryRun, Others: others}
	if r.DryRun {
		return one(h, "worker", result), nil
	}
	version, err := h.turn(ctx, p.ID, r.Undo, c.caller.name)
	if err != nil {
		return nil, err
	}
	result.Applied = h.applied(ctx, c.caller, version)
	if p, err = h.settled(ctx, p.ID, r.Undo); err != nil {
		return nil, err
	}
	result.Process = wireProcess(p)
	return one(h, "worker", result), nil
}

func mayTurn(p inspect.Process) error {
	switch {
	case p.Mode == modeAPI:
		return inbox.Faultf(inbox.Conflict, "worker_is_api", "the process %d (%s) is an api: it runs no jobs", p.ID, placeOf(p))
	case p.Draining && p.DrainedBy == "":
		return inbox.Faultf(inbox.Conflict, "worker_leaving", "the process %d (%s) is leaving by itself", p.ID, placeOf(p))
	}
	return nil
}

func (h *handler) turn(ctx context.Context, id int64, undo bool, by string) (int64, error) {
	if undo {
		return h.Drainer.UndrainWorker(ctx, id)
	}
	return h.Drainer.DrainWorker(ctx, id, by)
}

// settled returns the process once it runs nothing, or when AppliedTime is over.
func (h *handler) settled(ctx context.Context, id int64, undo bool) (inspect.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, admin.AppliedTime)
	defer cancel()
	t := time.NewTicker(askEvery)
	defer t.Stop()
	var last inspect.Process
	for {
		p, _, err := h.process(ctx, idOf(id))
		switch {
		case err == nil:
			last = p
		case last.ID == 0:
			return last, err
		}
		if undo || (err == nil && p.Running == 0) {
			return last, nil
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return last, nil
		}
	}
}

func wireProcess(p inspect.Process) admin.Process {
	w := admin.Process{
		ID: idOf(p.ID), Host: p.Host, PID: p.PID, Mode: p.Mode, Version: p.Version, Slots: p.Slots,
		BeatAgeMS: p.BeatAge.Milliseconds(), Draining: p.Draining, StartedAt: p.StartedAt,
		BackgroundSlots: p.Background, Running: &p.Running, ControlVersion: &p.ControlVersion, DrainedBy: word(p.DrainedBy),
	}
	if p.Mostly != 0 {
		w.Mostly = word(p.Mostly.String())
	}
	return w
}
