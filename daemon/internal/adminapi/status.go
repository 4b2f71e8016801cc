package adminapi

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

const (
	latencyWindow = 5 * time.Minute
	longestBoard  = 3 * time.Second        // between two looks, however long they take
	boardAge      = time.Second            // how long one look serves every viewer
	boardTime     = 5 * time.Second        // how long a look may take
	boardPatience = 100 * time.Millisecond // how long a viewer waits for a newer look than the last
	probeTime     = 2 * time.Second        // how long a part may take to answer
	beatLimit     = 20 * time.Second       // an older beat is no sign of life
	maxBoards     = 64
)

// board holds the last look at the engine, per org, so that many viewers cost
// no more than one. Nobody waits long for it: a look that takes its time is shown
// when it is done, and until then the one before, with its age. When the ledger
// does not answer it keeps what it had, and how old that is.
type board struct {
	h  *handler
	mu sync.Mutex
	at map[int64]*look
}

// look is what was seen of one org. Queues and processes are from seen, the rest
// from tried.
type look struct {
	mu    sync.Mutex
	under chan struct{} // closed when the look under way ends; nil: none is
	next  time.Time     // not before

	sight
}

// sight is the outcome of a look.
type sight struct {
	seen, tried time.Time
	queues      []admin.Queue
	processes   []admin.Process
	parts       []admin.Part
	holds       []admin.Hold
	throttled   []admin.ThrottledLimit
}

func newBoard(h *handler) *board { return &board{h: h, at: map[int64]*look{}} }

// snapshot returns what is known of an org, and how old it is: at most boardAge
// unless the ledger takes its time. A look is made without the caller's
// cancellation, because others wait for it.
func (b *board) snapshot(ctx context.Context, orgID int64) (s admin.Status, stale time.Duration) {
	l := b.of(orgID)
	known := b.await(ctx, l, orgID)
	s.Queues, s.Processes, s.Parts, s.Holds, s.Throttled = known.queues, known.processes, known.parts, known.holds, known.throttled
	oldest := known.seen
	if oldest.IsZero() {
		oldest = known.tried
	}
	if oldest.IsZero() { // the very first look has not ended
		return s, boardTime
	}
	return s, b.h.Now().Sub(oldest)
}

// await starts a look if one is due, and waits for the one under way: as long as
// it takes if nothing is known yet, else a moment.
func (b *board) await(ctx context.Context, l *look, orgID int64) sight {
	l.mu.Lock()
	if l.under == nil && !b.h.Now().Before(l.next) {
		l.under = make(chan struct{})
		go b.renew(context.WithoutCancel(ctx), l, orgID, l.under)
	}
	under, first := l.under, l.tried.IsZero()
	l.mu.Unlock()
	if under != nil {
		patience := boardPatience
		if first {
			patience = boardTime
		}
		t := time.NewTimer(patience)
		defer t.Stop()
		select {
		case <-under:
		case <-t.C:
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sight
}

// renew makes one look. The next one is not due before boardAge, and not before
// nine times what this one took, so that looking costs a tenth of one connection;
// but an answer that is older than longestBoard would look like trouble.
func (b *board) renew(ctx context.Context, l *look, orgID int64, under chan struct{}) {
	defer close(under)
	ctx, cancel := context.WithTimeout(ctx, boardTime)
	defer cancel()
	l.mu.Lock()
	next := l.sight
	l.mu.Unlock()
	began := b.h.Now()
	b.h.look(ctx, orgID, &next)
	next.tried = b.h.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sight, l.under = next, nil
	l.next = next.tried.Add(min(max(boardAge, 9*next.tried.Sub(began)), longestBoard))
}

// forget makes the next snapshot a new look: after a change a caller must not
// be shown what was before it.
func (b *board) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.at)
}

func (b *board) of(orgID int64) *look {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.at[orgID]
	if l == nil {
		if len(b.at) >= maxBoards {
			clear(b.at)
		}
		l = &look{}
		b.at[orgID] = l
	}
	return l
}

func (h *handler) look(ctx context.Context, orgID int64, s *sight) {
	s.parts = h.probe(ctx)
	queues, err := h.queues(ctx, orgID)
	if err == nil {
		var processes []inspect.Process
		if processes, err = h.Jobs.Processes(ctx); err == nil {
			s.queues, s.processes, s.seen = queues, wireProcesses(processes), h.Now()
			s.holds, s.throttled = h.brakes(ctx, orgID)
			return
		}
	}
	h.Logger.WarnContext(ctx, "ledger does not answer", "error", err)
}

// probe asks all parts at once, so that one that hangs delays none.
func (h *handler) probe(ctx context.Context) []admin.Part {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	parts := make([]admin.Part, len(h.Probes))
	var wg sync.WaitGroup
	for i, p := range h.Probes {
		wg.Go(func() {
			began := h.Now()
			err := p.Check(ctx)
			took := float64(h.Now().Sub(began).Microseconds()) / 1000
			parts[i] = admin.Part{Name: p.Name, OK: err == nil, TookMS: &took}
			if err != nil {
				parts[i].Error = word(err.Error())
			}
		})
	}
	wg.Wait()
	return parts
}

func (h *handler) queues(ctx context.Context, orgID int64) ([]admin.Queue, error) {
	summary, err := h.Jobs.QueueSummary(ctx, orgID)
	if err != nil {
		return nil, err
	}
	times := h.times(ctx, orgID)
	queues := make([]admin.Queue, 0, len(summary))
	for _, q := range summary {
		w := wireQueue(q, times[q.Queue])
		if h.Dial != nil {
			percent := h.Dial(q.Queue)
			w.Dial = &percent
		}
		h.markQueue(&w, q.Queue, orgID)
		queues = append(queues, w)
	}
	return queues, nil
}

// times are none while the server does not know them yet: the rest of the status
// must not wait for that.
func (h *handler) times(ctx context.Context, orgID int64) map[job.Queue]*latency.Times {
	answer, err := h.Latency.Latency(ctx, latency.Query{By: latency.ByQueue, Window: latencyWindow, OrgID: orgID})
	if err != nil && inbox.KindOf(err) != inbox.Temporary {
		h.Logger.WarnContext(ctx, "latency is not known", "error", err)
	}
	times := make(map[job.Queue]*latency.Times, len(answer.Groups))
	if err != nil {
		return times
	}
	for _, g := range answer.Groups {
		times[g.Queue] = g.Times
	}
	return times
}

func (h *handler) showStatus(ctx context.Context, c *call) (any, error) {
	s, stale := h.status.snapshot(ctx, c.caller.orgID)
	s.Parts = partsFor(c.caller, s.Parts)
	s.Version, s.Environment = h.Version, h.Environment
	s.Alerts = h.alertsNow(ctx, c.caller.orgID)
	s.APIURL, s.MetricsURL = word(h.APIURL), word(h.MetricsURL)
	s.Healthy = healthy(s, stale)
	if c.caller.orgID != 0 { // what the installation is made of is not theirs to see
		s.Processes, s.MetricsURL = nil, nil
	}
	answer := one(h, "status", s)
	answer.StaleMS = stale.Milliseconds()
	return answer, nil
}

// partsFor hides from a caller bound to one org why a part is down: what a
// driver says holds addresses and names of a deployment that is not theirs.
func partsFor(who caller, parts []admin.Part) []admin.Part {
	if who.orgID == 0 {
		return parts
	}
	shown := slices.Clone(parts)
	for i := range shown {
		if shown[i].Error != nil {
			shown[i].Error = word("not available")
		}
	}
	return shown
}

func (h *handler) listQueues(ctx context.Context, c *call) (any, error) {
	s, stale := h.status.snapshot(ctx, c.caller.orgID)
	if s.Queues == nil {
		return nil, inbox.Faultf(inbox.Temporary, "ledger", "the ledger has not answered yet: see `inboxctl status`")
	}
	answer := list(h, "queues", s.Queues)
	answer.StaleMS = stale.Milliseconds()
	return answer, nil
}

// healthy means: everything answers, what is shown is fresh, and at least one
// process does work.
func healthy(s admin.Status, stale time.Duration) bool {
	if s.Queues == nil || stale > 2*boardTime {
		return false
	}
	for _, p := range s.Parts {
		if !p.OK {
			return false
		}
	}
	for _, p := range s.Processes {
		if p.Mode != "api" && !p.Draining && p.BeatAgeMS < beatLimit.Milliseconds() {
			return true
		}
	}
	return false
}

func wireQueue(q inspect.Queue, l *latency.Times) admin.Queue {
	if l == nil {
		l = &latency.Times{}
	}
	w := admin.Queue{
		ID: q.Queue.String(), Name: q.Queue.String(),
		Ready: q.Counts[job.Ready], Scheduled: q.Counts[job.Scheduled], Retrying: q.Retrying,
		Dispatched: q.Counts[job.Dispatched], Running: q.Counts[job.Running],
		Uncertain: q.Counts[job.Uncertain], Held: q.Counts[job.Held], Dead: q.Counts[job.Dead],
		InPerS: q.InPerS, DonePerS: q.DonePerS,
		Latency: admin.Latency{Wait: wirePercentiles(l.Of(latency.Wait)), Run: wirePercentiles(l.Of(latency.Run)), E2E: wirePercentiles(l.Of(latency.E2E)), WindowMS: latencyWindow.Milliseconds()},
	}
	if q.OldestReady != nil {
		ms := q.OldestReady.Milliseconds()
		w.OldestReadyMS = &ms
	}
	return w
}

func wirePercentiles(h *latency.Histogram) admin.Percentiles {
	return admin.Percentiles{N: h.N(), P50MS: quantile(h, 0.5), P95MS: quantile(h, 0.95), P99MS: quantile(h, 0.99)}
}

func wireProcesses(all []inspect.Process) []admin.Process {
	wire := make([]admin.Process, 0, len(all))
	for _, p := range all {
		wire = append(wire, wireProcess(p))
	}
	return wire
}
