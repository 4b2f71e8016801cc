package adminapi

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi/alert"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	topEvery    = time.Second      // between two pictures while somebody looks
	topIdle     = 10 * time.Second // and while nobody does: also the step of the series
	topPoints   = 120              // of the past
	pictureTime = 5 * time.Second  // for all statements of one picture
	maxTops     = 32               // callers bound to orgs, with pictures of their own
	orgsEvery   = 5 * time.Second  // parts of a picture that cost more
	slaEvery    = 10 * time.Second
	limitEvery  = 3 * time.Second
)

// Handler serves the admin API. Watch keeps what it shows of the past.
type Handler struct {
	http.Handler

	h *handler
}

// Watch looks at everything now and then until ctx ends, so that whoever opens
// a live view sees how it came to this, and alerts know since when. It calls tick
// after every look, which ends whatever the outside does.
func (x *Handler) Watch(ctx context.Context, tick func()) {
	t := time.NewTicker(topIdle)
	defer t.Stop()
	for {
		x.h.tops.of(0).picture(ctx)
		x.h.book.sync(ctx)
		tick()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// tops has one collector per org that somebody is bound to, and one for all.
type tops struct {
	h  *handler
	mu sync.Mutex
	at map[int64]*collector
}

func (t *tops) of(orgID int64) *collector {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.at[orgID]
	if c == nil {
		if len(t.at) >= maxTops {
			for id := range t.at { // any one of them: it starts anew when it is asked for
				if id != 0 {
					delete(t.at, id)
					break
				}
			}
		}
		c = &collector{h: t.h, orgID: orgID, epoch: rand.Text(), alerts: alert.New(t.h.book.opener(orgID)), due: map[string]time.Time{}}
		t.at[orgID] = c
	}
	return c
}

// collector makes the pictures of one scope. However many look, there is at most
// one a second; what costs more is asked for less often.
type collector struct {
	h      *handler
	orgID  int64
	epoch  string
	alerts *alert.Evaluator

	making sync.Mutex // held while a picture is made: nobody waits for it who can have the last one
	last   atomic.Pointer[admin.Top]
	seq    int64
	due    map[string]time.Time // when each part is asked for again
	parts  map[string]partState
	orgs   atomic.Pointer[orgFacts] // lists of orgs read it too
	users  []admin.TopUser
	limits []admin.TopLimit
	slas   map[string]slaOfOrg // by org name
	series series
	deltas deltas
}

type partState struct {
	at  time.Time // of what is known
	err error
}

// picture returns the newest one, at most topEvery old, or the last one there is
// while a new one takes its time.
func (c *collector) picture(ctx context.Context) admin.Top {
	last := c.last.Load()
	if last != nil && c.h.Now().Sub(last.GeneratedAt) < topEvery-topEvery/10 {
		return *last
	}
	if last != nil && !c.making.TryLock() {
		return *last
	}
	if last == nil {
		c.making.Lock()
	}
	defer c.making.Unlock()
	if newer := c.last.Load(); newer != last {
		return *newer
	}
	ctx, cancel := context.WithTimeout(ctx, pictureTime)
	defer cancel()
	t := c.make(ctx, c.h.Now())
	c.series.note(t)
	c.last.Store(&t)
	return t
}

func (c *collector) make(ctx context.Context, now time.Time) admin.Top {
	c.seq++
	status, stale := c.h.status.snapshot(ctx, c.orgID)
	t := admin.Top{
		Epoch: c.epoch, Seq: c.seq, GeneratedAt: now.UTC(), IntervalMS: topEvery.Milliseconds(),
		Environment: c.h.Environment, Version: c.h.Version,
	}
	c.ask(ctx, now, "orgs", orgsEvery, c.readOrgs)
	c.ask(ctx, now, "sla", slaEvery, c.readSLA)
	c.ask(ctx, now, "limits", limitEvery, c.readLimits)
	t.Types = c.types(ctx, now)
	t.Queues = c.queues(ctx, status)
	t.Workers = workersOf(status.Processes)
	t.Orgs, t.Users, t.Limits = c.orgRows(now), c.users, c.limits
	t.Totals = admin.TopTotals{Orgs: len(t.Orgs), Users: len(t.Users), Limits: len(t.Limits)}
	t.Vitals = c.vitals(t)
	t.Parts = c.partsOf(ctx, now, status, stale)
	t.Alerts = c.alerts.Evaluate(t) // of all rows: the quiet org with many misses is not among the first
	if c.orgID == 0 {
		c.h.book.note(t.Alerts, now)
	}
	t.Alerts = c.h.book.view(c.orgID, t.Alerts, now)
	t.Orgs, t.Users, t.Limits = head(t.Orgs, admin.TopRows), head(t.Users, admin.TopRows), head(t.Limits, admin.TopRows)
	if c.orgID != 0 { // a token of one org does not see what the installation is made of
		t.Workers, t.Vitals.Slots, t.Vitals.SlotsBusy = []admin.TopWorker{}, 0, 0
		t.Alerts = slices.DeleteFunc(t.Alerts, func(a admin.Alert) bool { return alert.OfProcesses(a.Rule) })
	}
	return t
}

// ask refreshes a part if it is due, and keeps what it had if that fails.
func (c *collector) ask(ctx context.Context, now time.Time, name string, every time.Duration, read func(context.Context, time.Time) error) {
	if now.Before(c.due[name]) {
		return
	}
	began := c.h.Now()
	err := read(ctx, now)
	c.due[name] = now.Add(every)
	if err == nil {
		c.due[name] = now.Add(max(every, min(10*c.h.Now().Sub(began), time.Minute))) // a tenth of one connection at most
	}
	if c.parts == nil {
		c.parts = map[string]partState{}
	}
	p := partState{at: now, err: err}
	if err != nil {
		p.at = c.parts[name].at
		if inbox.KindOf(err) != inbox.Temporary {
			c.h.Logger.WarnContext(ctx, "a part of the live picture is not known", "part", name, "error", err)
		}
	}
	c.parts[name] = p
}

func (c *collector) partsOf(ctx context.Context, now time.Time, status admin.Status, stale time.Duration) []admin.TopPart {
	parts := []admin.TopPart{{Name: "ledger", OK: status.Queues != nil && stale < beatLimit, AgeMS: stale.Milliseconds()}}
	if !parts[0].OK {
		parts[0].Error = word("the ledger does not answer")
	}
	for _, p := range partsFor(caller{orgID: c.orgID}, status.Parts) {
		parts = append(parts, admin.TopPart{Name: p.Name, OK: p.OK, Error: p.Error})
	}
	for _, name := range []string{"latency", "orgs", "sla", "limits"} {
		p, known := c.parts[name]
		if !known || p.at.IsZero() && inbox.KindOf(p.err) == inbox.Temporary {
			continue // not known yet, which is not the same as away
		}
		part := admin.TopPart{Name: name, OK: p.err == nil, AgeMS: max(now.Sub(p.at).Milliseconds(), 0)}
		if p.err != nil {
			_, _, text := c.h.explain(ctx, admin.TopPath, p.err)
			part.Error = &text
		}
		parts = append(parts, part)
	}
	return parts
}

func head[T any](all []T, most int) []T {
	if all == nil {
		return []T{}
	}
	return all[:min(len(all), most)]
}

func (h *handler) showTop(ctx context.Context, c *call) (any, error) {
	points := 0
	if raw := c.query.Get("series"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 0 || n > topPoints {
			return nil, inbox.Faultf(inbox.Invalid, "bad_series", "series %q is not a number of points from 0 to %d", raw, topPoints)
		}
		points = n
	}
	k := h.tops.of(c.caller.orgID)
	t := k.picture(context.WithoutCancel(ctx)) // others are shown it too: who leaves must not spoil it
	t.Actor, t.Role = c.caller.name, c.caller.role
	if points > 0 {
		t.Series = k.past(points)
	}
	return h.tagged(t), nil
}

// past waits for a picture under way: the series belongs to its maker.
func (c *collector) past(points int) *admin.TopSeries {
	c.making.Lock()
	defer c.making.Unlock()
	return c.series.wire(points)
}
