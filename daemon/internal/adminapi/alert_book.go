package adminapi

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi/alert"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Alerts keeps what is wrong for all processes.
type Alerts interface {
	// SyncAlerts says what this process sees and returns what all know. What nobody
	// has seen for gone is resolved; 0: nothing is.
	SyncAlerts(ctx context.Context, seen []inbox.Alert, gone time.Duration) ([]inbox.Alert, error)
	// AckAlert and MuteAlert mark an alert, of the org if orgID is not 0; an empty by
	// takes the mark back.
	AckAlert(ctx context.Context, orgID int64, id, by, reason string) (inbox.Alert, error)
	MuteAlert(ctx context.Context, orgID int64, id, by, reason string, lasts time.Duration) (inbox.Alert, error)
	RecordAlertTest(ctx context.Context) error
}

// Announcer tells people of alerts. Alone is what is wrong while the database does
// not answer, so that nobody can say who announces it: then every process does.
// ToldAlone is what it has announced so; Rejoin, that the others know that now.
type Announcer interface {
	Alone(alerts []inbox.Alert)
	ToldAlone() []inbox.Alert
	Rejoin(told []inbox.Alert)
	// Test sends a message that nothing is wrong and returns the host it went to.
	Test(ctx context.Context) (host string, err error)
}

const (
	goneAfter  = 35 * time.Second // a process sees an alert every topIdle
	aloneAfter = 20 * time.Second // the database does not answer
	syncTime   = 5 * time.Second
)

// alertBook is this process's copy of what all processes know of alerts, at most
// topIdle old, and what it sees itself.
type alertBook struct {
	h *handler

	syncing sync.Mutex // one sync at a time
	mu      sync.Mutex
	known   []inbox.Alert        // open ones first
	at      map[string]int       // where each is in known
	local   []admin.Alert        // as this process sees them now
	here    map[string]time.Time // when it last saw each
	since   time.Time            // from when on every sync went well; zero: the last one did not
	failing time.Time            // from when on none did
}

func newAlertBook(h *handler) *alertBook { return &alertBook{h: h, here: map[string]time.Time{}} }

// opener says since when all know an alert to be open. What is of the whole
// installation is none of an org's.
func (b *alertBook) opener(orgID int64) func(id string) (time.Time, bool) {
	return func(id string) (time.Time, bool) {
		a, known := b.of(orgID, id)
		return a.Since, known && a.Open()
	}
}

func (b *alertBook) of(orgID int64, id string) (inbox.Alert, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, known := b.at[id]
	if !known || (orgID != 0 && b.known[i].OrgID != orgID) {
		return inbox.Alert{}, false
	}
	return b.known[i], true
}

// note keeps what this process sees itself, of the whole installation.
func (b *alertBook) note(local []admin.Alert, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.local = local
	for _, a := range local {
		b.here[a.ID] = now
	}
}

// view adds to alerts who is at them, and what only others see: one of them may be
// cut off from something. What this process has seen end itself is over.
func (b *alertBook) view(orgID int64, alerts []admin.Alert, now time.Time) []admin.Alert {
	all, seen := make([]admin.Alert, 0, len(alerts)), map[string]bool{}
	for _, a := range alerts {
		seen[a.ID] = true
		if known, yes := b.of(orgID, a.ID); yes {
			if !known.Open() { // it has come back, and the others do not know yet
				known.ResolvedAt, known.Since = time.Time{}, a.Since
			}
			a = marked(a, known, now)
		}
		all = append(all, a)
	}
	if orgID != 0 {
		return all
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.known {
		if a.Open() && !seen[a.ID] && now.Sub(b.here[a.ID]) > 2*goneAfter {
			all = append(all, wireAlert(a, now))
		}
	}
	alert.Sort(all)
	return all
}

// resolved are those that ended lately, but those that are open again. What this
// process has seen end itself is over at once, and in a moment for the others too:
// an alert must not be nowhere meanwhile.
func (b *alertBook) resolved(orgID int64, open []admin.Alert, now time.Time) (over []admin.Alert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.known {
		again := slices.ContainsFunc(open, func(o admin.Alert) bool { return o.ID == a.ID })
		if last, mine := b.here[a.ID]; a.Open() && mine && now.Sub(last) <= 2*goneAfter {
			a.ResolvedAt = last
		}
		if !a.Open() && !again && (orgID == 0 || a.OrgID == orgID) {
			over = append(over, wireAlert(a, now))
		}
	}
	return over
}

// sync exchanges what is known with all others.
func (b *alertBook) sync(ctx context.Context) {
	if b.h.Alerts == nil {
		return
	}
	b.syncing.Lock()
	defer b.syncing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, syncTime)
	defer cancel()
	now := b.h.Now()
	seen, gone := b.report(now)
	var told []inbox.Alert
	if b.h.Announcer != nil {
		told = b.h.Announcer.ToldAlone()
	}
	known, err := b.h.Alerts.SyncAlerts(ctx, withTold(seen, told, now), gone)
	if err != nil {
		b.failed(ctx, seen, now, err)
		return
	}
	if b.h.Announcer != nil {
		b.h.Announcer.Rejoin(told)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known, b.at, b.failing = known, make(map[string]int, len(known)), time.Time{}
	for i, a := range known {
		b.at[a.ID] = i
	}
	if b.since.IsZero() {
		b.since = now
	}
	for id, at := range b.here {
		if now.Sub(at) > time.Hour {
			delete(b.here, id)
		}
	}
}

// maxReported bounds what one process says: a storm over thousands of orgs is one
// storm. What is open stays, or the others would take it for over.
const maxReported = 300

// report is what this process sees, for the others. Of what they know already it
// does not say since when: clocks differ.
func (b *alertBook) report(now time.Time) (seen []inbox.Alert, gone time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.since.IsZero() && now.Sub(b.since) > goneAfter {
		gone = goneAfter
	}
	for _, a := range b.local {
		i, known := b.at[a.ID]
		known = known && b.known[i].Open()
		if !known && len(seen) >= maxReported {
			continue
		}
		s := inbox.Alert{
			ID: a.ID, Severity: a.Severity, Rule: a.Rule, Scope: a.Scope, Org: text(a.Org), Text: a.Text, Value: a.Value, Threshold: a.Threshold,
			Unit: text(a.Unit), Cause: text(a.Cause), Command: text(a.Command), Runbook: text(a.Runbook), Since: a.Since, SeenAt: now,
		}
		if known {
			s.Since, s.AckedBy, s.MutedUntil = now, b.known[i].AckedBy, b.known[i].MutedUntil
		}
		seen = append(seen, s)
	}
	return seen, gone
}

// withTold adds what this process has announced alone.
func withTold(seen, told []inbox.Alert, now time.Time) []inbox.Alert {
	at := map[string]int{}
	for i, a := range seen {
		at[a.ID] = i
	}
	for _, a := range told {
		a.ToldAt, a.SeenAt = now, now
		if i, still := at[a.ID]; still {
			seen[i].ToldAt = now
			continue
		}
		seen = append(seen, a)
	}
	return seen
}

func (b *alertBook) failed(ctx context.Context, seen []inbox.Alert, now time.Time, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	b.h.Logger.WarnContext(ctx, "alerts are not shared with other processes", "error", err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.since = time.Time{}
	if b.failing.IsZero() {
		b.failing = now
	}
	if b.h.Announcer == nil || now.Sub(b.failing) < aloneAfter {
		return
	}
	for i, a := range seen { // only here: what is shared says nothing of who was told
		if at, known := b.at[a.ID]; known && b.known[at].Open() {
			seen[i].ToldAt = b.known[at].ToldAt
		}
	}
	b.h.Announcer.Alone(seen)
}

// put is an alert that was just marked.
func (b *alertBook) put(a inbox.Alert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i, known := b.at[a.ID]; known {
		b.known[i] = a
	}
}

// wireAlert is an alert as all know it.
func wireAlert(a inbox.Alert, now time.Time) admin.Alert {
	return marked(admin.Alert{
		ID: a.ID, Severity: a.Severity, Rule: a.Rule, Scope: a.Scope, Org: word(a.Org), Text: a.Text, Value: a.Value, Threshold: a.Threshold,
		Unit: word(a.Unit), Cause: word(a.Cause), Command: word(a.Command), Runbook: word(a.Runbook),
	}, a, now)
}

// marked adds what all know to what one sees.
func marked(w admin.Alert, a inbox.Alert, now time.Time) admin.Alert {
	w.State, w.Since, w.ResolvedAt = admin.AlertFiring, a.Since.UTC(), timeWord(a.ResolvedAt)
	w.AckedBy, w.AckReason, w.AckedAt = word(a.AckedBy), word(a.AckReason), timeWord(a.AckedAt)
	if a.MutedAt(now) {
		w.MutedBy, w.MuteReason, w.Muted = word(a.MutedBy), word(a.MuteReason), timeWord(a.MutedUntil)
	}
	switch {
	case !a.Open():
		w.State = admin.AlertResolved
	case w.Muted != nil:
		w.State = admin.AlertMuted
	case w.AckedBy != nil:
		w.State = admin.AlertAcked
	}
	return w
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
