package adminapi_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// shared is what all processes know of alerts.
type shared struct {
	mu     sync.Mutex
	alerts []inbox.Alert
	seen   []inbox.Alert // of the last sync
	gone   time.Duration
	down   error
	tested int
}

func (s *shared) SyncAlerts(_ context.Context, seen []inbox.Alert, gone time.Duration) ([]inbox.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen, s.gone = seen, gone
	return append([]inbox.Alert{}, s.alerts...), s.down
}

func (s *shared) mark(orgID int64, id string, change func(*inbox.Alert)) (inbox.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.alerts {
		if s.alerts[i].ID == id && (orgID == 0 || s.alerts[i].OrgID == orgID) {
			change(&s.alerts[i])
			return s.alerts[i], nil
		}
	}
	return inbox.Alert{}, inbox.Faultf(inbox.NotFound, "alert_not_found", "there is no alert %q", id)
}

func (s *shared) AckAlert(_ context.Context, orgID int64, id, by, reason string) (inbox.Alert, error) {
	return s.mark(orgID, id, func(a *inbox.Alert) { a.AckedBy, a.AckReason, a.AckedAt = by, reason, day })
}

func (s *shared) MuteAlert(_ context.Context, orgID int64, id, by, reason string, lasts time.Duration) (inbox.Alert, error) {
	return s.mark(orgID, id, func(a *inbox.Alert) { a.MutedBy, a.MuteReason, a.MutedUntil = by, reason, day.Add(time.Minute+lasts) })
}

func (s *shared) RecordAlertTest(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tested++
	return s.down
}

// reported are the alerts of the last sync.
func (s *shared) reported() map[string]inbox.Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]inbox.Alert{}
	for _, a := range s.seen {
		all[a.ID] = a
	}
	return all
}

func (s *shared) set(down error, alerts ...inbox.Alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.alerts = down, alerts
}

func known(id string, orgID int64) inbox.Alert {
	return inbox.Alert{ID: id, Severity: "warning", Rule: "limit reached", Scope: id, OrgID: orgID, Org: map[int64]string{1: "acme", 2: "globex"}[orgID], Text: "60 of 60", Since: day.Add(-time.Hour), SeenAt: day}
}

// watching serves an admin API that has looked once.
func watching(t *testing.T, s *shared, a adminapi.Announcer, now func() time.Time) string {
	t.Helper()
	o := newFake().options()
	o.Alerts, o.Announcer = s, a
	if now != nil {
		o.Now = now
	}
	h, err := adminapi.New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); h.Watch(ctx, func() {}) }()
	t.Cleanup(func() { cancel(); <-ended })
	server := onTCP(t, h)
	require.Eventually(t, func() bool {
		list, err := as(t, server, "viewer").Alerts(t.Context(), admin.AlertFilter{})
		return err == nil && len(list.Items) >= len(s.alerts)
	}, 20*time.Second, 10*time.Millisecond)
	return server
}

// Whoever opens any view of any process sees the same alerts, with who is at each
// and until when it is quiet.
func TestAlertsAreListedAndMarked(t *testing.T) {
	t.Parallel()
	s := &shared{}
	over := known("over", 1)
	over.ResolvedAt = day
	s.set(nil, known("limit_reached/acme/send_text", 1), known("sla_missed/globex", 2), over)
	server := watching(t, s, nil, nil)
	c := as(t, server, "operator")

	_, err := c.AckAlert(t.Context(), "limit_reached/acme/send_text", "INC-1")
	require.NoError(t, err)
	got, err := c.MuteAlert(t.Context(), "sla_missed/globex", time.Hour, "holiday")
	require.NoError(t, err)
	require.Equal(t, admin.AlertMuted, got.Item.State)
	states := func() map[string]string {
		list, err := c.Alerts(t.Context(), admin.AlertFilter{})
		require.NoError(t, err)
		all := map[string]string{}
		for _, a := range list.Items {
			all[a.ID] = a.State
		}
		return all
	}
	require.Equal(t, []string{admin.AlertAcked, admin.AlertMuted, admin.AlertResolved}, []string{states()["limit_reached/acme/send_text"], states()["sla_missed/globex"], states()["over"]})

	list, err := c.Alerts(t.Context(), admin.AlertFilter{State: []string{"resolved"}, Org: "acme"})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	_, err = c.Alerts(t.Context(), admin.AlertFilter{State: []string{"burning"}})
	require.ErrorContains(t, err, `there is no state "burning"`)
	got, err = c.UnmuteAlert(t.Context(), "sla_missed/globex", "")
	require.NoError(t, err)
	require.Equal(t, admin.AlertFiring, got.Item.State)
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, status.Item.Alerts)
}

// A mute has an end, a mark has an alert, and a token of one org marks nothing else.
func TestAlertsRefuse(t *testing.T) {
	t.Parallel()
	s := &shared{}
	s.set(nil, known("sla_missed/acme", 1), known("sla_missed/globex", 2))
	server := watching(t, s, nil, nil)
	c := as(t, server, "operator")
	_, err := c.MuteAlert(t.Context(), "sla_missed/acme", 0, "")
	require.ErrorContains(t, err, "say for how long")
	_, err = c.AckAlert(t.Context(), "", "")
	require.ErrorContains(t, err, "name the alert")
	_, err = c.TestAlerts(t.Context(), "")
	require.ErrorContains(t, err, "INBOXD_ALERT_WEBHOOK_URL")
	bound := as(t, server, "@operator")
	_, err = bound.AckAlert(t.Context(), "sla_missed/globex", "")
	require.Equal(t, admin.NotFound, admin.KindOf(err))
	_, err = bound.AckAlert(t.Context(), "sla_missed/acme", "")
	require.NoError(t, err)
	_, err = bound.TestAlerts(t.Context(), "")
	require.Equal(t, admin.Forbidden, admin.KindOf(err))
	list, err := bound.Alerts(t.Context(), admin.AlertFilter{})
	require.NoError(t, err)
	for _, a := range list.Items {
		require.NotContains(t, a.ID, "globex")
	}
}

// teller remembers what it is to say alone.
type teller struct {
	mu     sync.Mutex
	alone  []inbox.Alert
	told   []inbox.Alert
	back   bool
	answer error
}

func (w *teller) Alone(alerts []inbox.Alert) { w.mu.Lock(); defer w.mu.Unlock(); w.alone = alerts }

func (w *teller) saidAlone() map[string]inbox.Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]inbox.Alert{}
	for _, a := range w.alone {
		all[a.ID] = a
	}
	return all
}

func (w *teller) announced(a inbox.Alert) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, a)
}

func (w *teller) ToldAlone() []inbox.Alert { w.mu.Lock(); defer w.mu.Unlock(); return w.told }

func (w *teller) Rejoin([]inbox.Alert) { w.mu.Lock(); defer w.mu.Unlock(); w.back = true }

func (w *teller) Test(context.Context) (string, error) { return "hooks.example.com", w.answer }

// A test message is recorded before it is sent, and says why it did not arrive.
func TestAlertTestIsRecorded(t *testing.T) {
	t.Parallel()
	s, w := &shared{}, &teller{told: []inbox.Alert{{ID: "part_away/postgres", Severity: "critical"}}}
	server := watching(t, s, w, nil)
	c := as(t, server, "operator")
	got, err := c.TestAlerts(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "hooks.example.com", got.Item.Host)
	require.Equal(t, 1, s.tested)
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, a := range s.seen {
			if a.ID == "part_away/postgres" {
				return !a.ToldAt.IsZero()
			}
		}
		return false
	}, 20*time.Second, 10*time.Millisecond, "the others learn what was told without them")

	failing := watching(t, &shared{}, &teller{answer: errors.New("it answered 404 Not Found")}, nil)
	_, err = as(t, failing, "operator").TestAlerts(t.Context(), "")
	require.ErrorContains(t, err, "404")
	s.set(errors.New("disk full"))
	status, _ := do(t, server, http.MethodPost, admin.AlertTestPath, "operator", "{}", nil)
	require.Equal(t, http.StatusInternalServerError, status)
}

// crowd is an installation with so many processes that do not beat.
type crowd struct {
	*fake

	silent int
}

func (c crowd) Processes(context.Context) (all []inspect.Process, err error) {
	for i := range c.silent {
		all = append(all, inspect.Process{ID: int64(1000 + i), Host: "h", PID: i, Mode: "worker", Version: "v1", Slots: 8, BeatAge: time.Minute, StartedAt: day})
	}
	return all, nil
}

// handClock is turned by a test.
type handClock struct{ at atomic.Int64 }

func (d *handClock) now() time.Time       { return day.Add(time.Minute + time.Duration(d.at.Load())) }
func (d *handClock) turn(t time.Duration) { d.at.Add(int64(t)) }

// ofMany serves an admin API over so many silent processes, and returns what makes
// it share what it sees.
func ofMany(t *testing.T, s *shared, w adminapi.Announcer, silent int, clock *handClock) (share func()) {
	t.Helper()
	f := newFake()
	o := f.options()
	o.Alerts, o.Jobs, o.Now = s, crowd{f, silent}, clock.now
	o.Announcer = w
	h, err := adminapi.New(o)
	require.NoError(t, err)
	c := as(t, onTCP(t, h), "operator")
	_, err = c.Alerts(t.Context(), admin.AlertFilter{}) // makes the picture
	require.NoError(t, err)
	return func() { _, _ = c.AckAlert(t.Context(), "not/known", "") } // what is not known is looked for first
}

// A storm over thousands must not become thousands of rows and a message nobody
// can read; but what others know to be open is told on, or it would be called over
// while it goes on.
func TestAStormIsBounded(t *testing.T) {
	t.Parallel()
	s := &shared{}
	share := ofMany(t, s, nil, 900, &handClock{})
	share()
	first := s.reported()
	require.Len(t, first, 300)
	const late = "worker_silent/1899@h"
	require.NotContains(t, first, late)
	s.set(nil, inbox.Alert{ID: late, Severity: "warning", Rule: "worker silent", Scope: "1899@h", Since: day, SeenAt: day})
	share() // learns of it
	share()
	second := s.reported()
	require.Contains(t, second, late)
	require.Len(t, second, 301, "and not one more that is new")
}

// Who was told before the database went away is not told again because of it; who
// was not, is told without it. Neither is told twice when it is back.
func TestAnOutageTellsWhatWasNotTold(t *testing.T) {
	t.Parallel()
	s, w, clock := &shared{}, &teller{}, &handClock{}
	told, quiet := known("worker_silent/1000@h", 0), known("worker_silent/1001@h", 0)
	told.ToldAt, quiet.AckedBy = day, "ana"
	s.set(nil, told, quiet)
	share := ofMany(t, s, w, 3, clock)
	share()
	require.Empty(t, w.saidAlone())
	s.set(errors.New("connection refused"), told, quiet)
	share()
	require.Empty(t, w.saidAlone(), "it may be back in a moment")
	clock.turn(21 * time.Second)
	share()
	alone := w.saidAlone()
	require.Equal(t, day, alone["worker_silent/1000@h"].ToldAt)
	require.Equal(t, "ana", alone["worker_silent/1001@h"].AckedBy)
	fresh, there := alone["worker_silent/1002@h"]
	require.True(t, there)
	require.True(t, fresh.ToldAt.IsZero(), "nobody was told of it")

	w.announced(fresh)
	s.set(nil, told, quiet)
	share()
	require.False(t, s.reported()["worker_silent/1002@h"].ToldAt.IsZero(), "the others learn what was told without them")
	require.True(t, s.reported()["worker_silent/1000@h"].ToldAt.IsZero(), "and are not told of what they know")
}

// One rule for marks: an alert that names an org is of those who may operate that
// org; any other is of everybody, and a token bound to an org does not speak for
// everybody. What it sees of a queue is of its own jobs, and shows no marks of
// others.
func TestWhoMarksAnAlert(t *testing.T) {
	t.Parallel()
	s, clock := &shared{}, &handClock{}
	const wait = "jobs_wait/whatsapp"
	queue := known(wait, 0)
	s.set(nil, queue, known("sla_missed/acme", 1))
	f := newFake()
	o := f.options()
	o.Alerts, o.Now = s, clock.now
	h, err := adminapi.New(o)
	require.NoError(t, err)
	server := onTCP(t, h)
	bound, free := as(t, server, "@operator"), as(t, server, "operator")
	seenBy := func(c *admin.Client) (a admin.Alert) {
		t.Helper()
		list, err := c.Alerts(t.Context(), admin.AlertFilter{})
		require.NoError(t, err)
		for _, a = range list.Items {
			if a.ID == wait {
				return a
			}
		}
		return admin.Alert{}
	}
	seenBy(bound)
	clock.turn(11 * time.Second) // it has lasted long enough
	require.Equal(t, admin.AlertFiring, seenBy(bound).State, "the oldest job of its own waits too long")
	for name, mark := range map[string]func() error{
		"Ack":    func() error { _, err := bound.AckAlert(t.Context(), wait, ""); return err },
		"Unack":  func() error { _, err := bound.UnackAlert(t.Context(), wait, ""); return err },
		"Mute":   func() error { _, err := bound.MuteAlert(t.Context(), wait, time.Hour, ""); return err },
		"Unmute": func() error { _, err := bound.UnmuteAlert(t.Context(), wait, ""); return err },
	} {
		err := mark()
		require.Equal(t, admin.Forbidden, admin.KindOf(err), name)
		require.ErrorContains(t, err, "names no org", name)
	}
	_, err = bound.MuteAlert(t.Context(), "sla_missed/acme", time.Hour, "")
	require.NoError(t, err)

	_, err = free.AckAlert(t.Context(), wait, "INC-1")
	require.NoError(t, err)
	require.Equal(t, admin.AlertAcked, seenBy(free).State)
	require.Equal(t, admin.AlertFiring, seenBy(bound).State, "who is at the whole queue is none of its business")
	require.Nil(t, seenBy(bound).AckedBy)
}
