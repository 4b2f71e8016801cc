package alert_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi/alert"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// well is a picture in which nothing is wrong.
func well(at time.Duration) admin.Top {
	return admin.Top{
		GeneratedAt: noon.Add(at),
		Parts:       []admin.TopPart{{Name: "ledger", OK: true}, {Name: "redis", OK: true}},
		Queues:      []admin.TopQueue{{ID: "whatsapp", Name: "whatsapp", Ready: 500, OldestReadyMS: new(int64(900)), DrainsMS: new(int64(4000))}},
		Orgs:        []admin.TopOrg{{ID: "1", Name: "acme", SLA: new(0.9), SLAObjective: new(0.8), Answers: 50}},
		Users:       []admin.TopUser{{Org: "acme", Name: "dana", N: 50}},
		Limits:      []admin.TopLimit{{Org: "acme", Name: "send_text", Used: new(10), Max: 60, Waiting: new(int64(0))}},
		Workers:     []admin.TopWorker{{ID: "1", Host: "a", Mode: "worker", State: "ok", Version: "1"}},
	}
}

// Each rule is silent while all is well and fires when its one figure is bad:
// a rule that cannot fire, or always does, wakes people for nothing or not at all.
func TestEveryRuleIsSilentAndFires(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scope, severity string
		spoil           func(p *admin.Top)
	}{
		"part away":         {"redis", alert.Warning, func(p *admin.Top) { p.Parts[1].OK = false }},
		"no worker":         {"workers", alert.Critical, func(p *admin.Top) { p.Workers[0].Mode = "api" }},
		"worker silent":     {"1@a", alert.Warning, func(p *admin.Top) { p.Workers[0].State = "silent" }},
		"jobs wait":         {"whatsapp", alert.Critical, func(p *admin.Top) { p.Queues[0].OldestReadyMS = new(int64(61_000)) }},
		"backlog grows":     {"whatsapp", alert.Warning, func(p *admin.Top) { p.Queues[0].DrainsMS = new(int64(-1)) }},
		"outcome uncertain": {"whatsapp", alert.Warning, func(p *admin.Top) { p.Queues[0].Uncertain = 1 }},
		"limit reached": {"acme send_text", alert.Warning, func(p *admin.Top) {
			p.Limits[0].Used, p.Limits[0].Waiting = new(59), new(int64(3))
		}},
		"SLA missed":     {"acme", alert.Critical, func(p *admin.Top) { p.Orgs[0].SLA = new(0.3) }},
		"hold forgotten": {"acme", alert.Warning, func(p *admin.Top) { p.Orgs[0].Paused = &admin.TopHold{Owner: "ana", Since: noon.Add(-48 * time.Hour)} }},
		"versions differ": {"processes", alert.Warning, func(p *admin.Top) {
			p.Workers = append(p.Workers, admin.TopWorker{Mode: "worker", State: "ok", Version: "2"})
		}},
		"jobs die": {"whatsapp", alert.Warning, func(p *admin.Top) { p.Queues[0].Dead += int64(p.GeneratedAt.Sub(noon).Seconds()) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := alert.New(nil)
			require.Empty(t, e.Evaluate(well(0)))
			var last []admin.Alert
			for at := time.Second; at <= 20*time.Minute; at += time.Second {
				p := well(at)
				c.spoil(&p)
				last = e.Evaluate(p)
			}
			found := false
			for _, a := range last {
				if a.Rule == name {
					require.Equal(t, c.scope, a.Scope)
					require.Equal(t, c.severity, a.Severity)
					found = true
				}
			}
			require.True(t, found, "%+v", last)
			e.Evaluate(well(21 * time.Minute))
			require.Empty(t, e.Evaluate(well(27*time.Minute)), "it ends with what it was about")
		})
	}
	require.Len(t, alert.Rules(), 11, "a new rule needs a row here")
}

// A rule with a patience does not fire for what is over sooner, and says since
// when it has been so.
func TestPatience(t *testing.T) {
	t.Parallel()
	e := alert.New(nil)
	bad := func(at time.Duration) admin.Top {
		p := well(at)
		p.Queues[0].DrainsMS = new(int64(-1))
		return p
	}
	require.Empty(t, e.Evaluate(bad(0)))
	require.Empty(t, e.Evaluate(bad(59*time.Second)))
	require.Empty(t, e.Evaluate(well(60*time.Second)))
	require.Empty(t, e.Evaluate(bad(61*time.Second)), "it begins anew")
	got := e.Evaluate(bad(121 * time.Second))
	require.Len(t, got, 1)
	require.Equal(t, noon.Add(61*time.Second), got[0].Since)
}

// What is paused on purpose waits on purpose.
func TestPausedQueueDoesNotAlert(t *testing.T) {
	t.Parallel()
	p := well(0)
	p.Queues[0].OldestReadyMS, p.Queues[0].DrainsMS = new(int64(900_000)), new(int64(-1))
	p.Queues[0].Paused = &admin.TopHold{Owner: "ana", Since: noon}
	e := alert.New(nil)
	e.Evaluate(p)
	p.GeneratedAt = noon.Add(10 * time.Minute)
	require.Empty(t, e.Evaluate(p))
}

// A process that has just started says of what others know since when it is, and
// has no more patience with it: else a restart makes every alert vanish and come
// back as new.
func TestGoesOnWithWhatOthersKnow(t *testing.T) {
	t.Parallel()
	since := noon.Add(-time.Hour)
	e := alert.New(func(id string) (time.Time, bool) {
		return since, id == "backlog_grows/whatsapp" || id == "jobs_die/whatsapp"
	})
	p := well(0)
	p.Queues[0].DrainsMS, p.Queues[0].Dead = new(int64(-1)), 7
	got := e.Evaluate(p)
	require.Len(t, got, 2)
	for _, a := range got {
		require.Equal(t, since, a.Since, a.ID)
	}
}

// Ids are typed at three in the morning: nothing in them needs quotes, and the
// figures are there for programs too.
func TestIDsAndFigures(t *testing.T) {
	t.Parallel()
	p := well(0)
	p.Limits[0].Used, p.Limits[0].Waiting = new(60), new(int64(3))
	e := alert.New(nil)
	e.Evaluate(p)
	p.GeneratedAt = noon.Add(2 * time.Minute)
	got := e.Evaluate(p)
	require.Len(t, got, 1)
	require.Equal(t, "limit_reached/acme/send_text", got[0].ID)
	require.Equal(t, []any{60.0, 60.0, "tokens", "acme"}, []any{*got[0].Value, *got[0].Threshold, *got[0].Unit, *got[0].Org})
}
