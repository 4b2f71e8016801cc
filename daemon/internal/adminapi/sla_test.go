package adminapi_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// fakeSLA remembers what it was asked, by one caller at a time.
type fakeSLA struct {
	mu     sync.Mutex
	asked  sla.MissQuestion
	orgID  int64
	set    []sla.Policy
	misses []sla.Case
}

func (f *fakeSLA) SLAFigures(_ context.Context, q sla.Question) ([]sla.Figures, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked.Question = q
	return []sla.Figures{
		sla.Figures{OrgID: 1, Org: "acme", UserID: 1, User: "dana", Who: sla.User, Target: 5 * time.Minute, Objective: 0.8, Met: 3, Missed: 1, Responses: sla.Responses{{Bucket: 266, N: 1}}, Worst: 42 * time.Second}.Summed(),
		{OrgID: 1, Org: "acme", Who: sla.Unassigned, Target: 5 * time.Minute, Objective: 0.8, Pending: 2, OldestOpen: time.Second},
	}, nil
}

func (f *fakeSLA) SLAMisses(_ context.Context, q sla.MissQuestion) ([]sla.Case, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = q
	return f.misses, nil
}

func (f *fakeSLA) SLAAtRisk(_ context.Context, orgID int64, _ bool, _ int) ([]sla.Case, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orgID = orgID
	return f.misses, nil
}

func (f *fakeSLA) SLAPolicies(_ context.Context, orgID int64, _ bool) ([]sla.Policy, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orgID = orgID
	return []sla.Policy{{ID: 3, OrgID: 1, Org: "acme", Target: 5 * time.Minute, Objective: 0.8, Hours: automation.Hours{TimeZone: "UTC"}, InForce: true, SetAt: day}}, nil
}

func (f *fakeSLA) SetSLAPolicy(ctx context.Context, orgID int64, change func(*sla.Policy) error) (before, after sla.Policy, err error) {
	found, _ := f.SLAPolicies(ctx, orgID, false)
	before, after = found[0], found[0]
	if err = change(&after); err != nil {
		return before, after, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = append(f.set, after)
	return before, after, nil
}

func slaClient(t *testing.T, token string) (*admin.Client, *fakeSLA) {
	t.Helper()
	f := &fakeSLA{}
	fake := newFake()
	fake.sla = f
	return as(t, onTCP(t, newHandler(t, fake)), token), f
}

// Figures of one org are not another's, and no verdict is null, never 1.
func TestSLAFigures(t *testing.T) {
	t.Parallel()
	c, f := slaClient(t, "viewer")
	got, err := c.SLAReport(t.Context(), "user", admin.SLAFilter{Org: "acme", User: []string{"dana"}, SLAWindow: admin.SLAWindow{Window: time.Hour}})
	require.NoError(t, err)
	require.Equal(t, []any{int64(1), []int64{1}, sla.ByUser, time.Hour + time.Second}, []any{f.asked.OrgID, f.asked.UserIDs, f.asked.By, f.asked.Span.To.Sub(f.asked.Span.From)})
	require.Len(t, got.Items, 2)
	require.InDelta(t, 0.75, *got.Items[0].Compliance, 1e-9)
	require.Equal(t, int64(42_000), *got.Items[0].P95MS)
	require.Equal(t, "acme/dana", got.Items[0].ID)
	require.Nil(t, got.Items[1].Compliance)
	require.Nil(t, got.Items[1].P50MS)
	require.Equal(t, "unassigned", *got.Items[1].Who)
	_, err = c.SLAReport(t.Context(), "org", admin.SLAFilter{SLAWindow: admin.SLAWindow{Day: "2026-11-20"}})
	require.NoError(t, err)
	require.Equal(t, "2026-11-20", f.asked.Day)
	bound, f := slaClient(t, "@viewer")
	_, err = bound.SLAReport(t.Context(), "org", admin.SLAFilter{})
	require.NoError(t, err)
	require.Equal(t, int64(1), f.asked.OrgID, "a token of one org sees no other")
	_, err = bound.SLAAtRisk(t.Context(), "", false)
	require.NoError(t, err)
	require.Equal(t, int64(1), f.orgID)
	for want, filter := range map[string]admin.SLAFilter{
		`there is no org "globex"`: {Org: "globex"},
		`"soon" is not a day`:      {SLAWindow: admin.SLAWindow{Day: "soon"}},
		`only one of them`:         {SLAWindow: admin.SLAWindow{Day: "2026-11-20", Window: time.Hour}},
		`use 1s to 93d`:            {SLAWindow: admin.SLAWindow{Window: 9000 * time.Hour}},
		`until lies before since`:  {SLAWindow: admin.SLAWindow{Since: new(day), Until: new(day)}},
		`"x" is not the id`:        {Channel: "x"},
		`there is no user "nob`:    {User: []string{"nobody"}},
	} {
		_, err := bound.SLAReport(t.Context(), "org", filter)
		require.ErrorContains(t, err, want)
	}
	_, err = bound.SLAReport(t.Context(), "team", admin.SLAFilter{})
	require.ErrorContains(t, err, `there is no split "team": use one of org, user, channel`)
}

// A page of misses says where the next one begins, and that page begins there.
func TestSLAMisses(t *testing.T) {
	t.Parallel()
	c, f := slaClient(t, "viewer")
	f.misses = []sla.Case{
		{ID: 9, ConversationID: 7, Org: "acme", User: "dana", Who: sla.User, StartedAt: day, DueAt: day.Add(time.Minute), Cause: sla.Hold, Spent: sla.Spent{Hold: time.Minute}},
		{ID: 8, ConversationID: 6, Org: "acme", Who: sla.PhoneApp, StartedAt: day, DueAt: day, AnsweredAt: day.Add(time.Second), Response: time.Second},
	}
	got, err := c.SLAMisses(t.Context(), admin.SLAFilter{Cause: "hold"}, admin.Page{Limit: 1})
	require.NoError(t, err)
	require.Len(t, got.Items, 1)
	require.Equal(t, int64(60_000), got.Items[0].Spent.HoldMS)
	require.Nil(t, got.Items[0].ResponseMS)
	_, err = c.SLAMisses(t.Context(), admin.SLAFilter{}, admin.Page{Cursor: *got.Next})
	require.NoError(t, err)
	require.Equal(t, []any{int64(9), true}, []any{f.asked.Before.ID, f.asked.Before.At.Equal(day)})
	_, err = c.SLAMisses(t.Context(), admin.SLAFilter{Cause: "gremlins"}, admin.Page{})
	require.ErrorContains(t, err, `there is no cause "gremlins": use one of human, queue_wait`)
	_, err = c.SLAMisses(t.Context(), admin.SLAFilter{}, admin.Page{Cursor: "x"})
	require.Equal(t, admin.Invalid, admin.KindOf(err))
}

// A promise is changed only as asked, and by somebody who may.
func TestSLAPolicy(t *testing.T) {
	t.Parallel()
	c, f := slaClient(t, "admin")
	got, err := c.SetSLAPolicy(t.Context(), admin.SLAPolicySet{Org: "acme", TargetMS: new(int64(600_000)), DryRun: true})
	require.NoError(t, err)
	require.Empty(t, f.set)
	require.Equal(t, []int64{300_000, 600_000}, []int64{got.Item.Before.TargetMS, got.Item.Policy.TargetMS})
	hours, err := admin.ParseHours("mon-fri 09:00-18:00")
	require.NoError(t, err)
	_, err = c.SetSLAPolicy(t.Context(), admin.SLAPolicySet{Org: "acme", BusinessHours: hours, TimeZone: new("Europe/Berlin"), Reason: "new contract"})
	require.NoError(t, err)
	require.Len(t, f.set, 1)
	require.Equal(t, []any{5 * time.Minute, "Europe/Berlin", 5, "new contract"}, []any{f.set[0].Target, f.set[0].Hours.TimeZone, len(f.set[0].Hours.Days), f.set[0].Reason})
	require.NotEmpty(t, f.set[0].Owner)
	for want, r := range map[string]admin.SLAPolicySet{
		"use 1s to 168h":                  {Org: "acme", TargetMS: new(int64(1))},
		"use a share above 0 and up to 1": {Org: "acme", Objective: new(80.0)},
		"is not a time zone":              {Org: "acme", TimeZone: new("Mars")},
		"days.mon[0].from":                {Org: "acme", BusinessHours: map[string][]admin.SLAInterval{"mon": {{From: "25:00", To: "09:00"}}}},
		"name the org":                    {},
	} {
		_, err := c.SetSLAPolicy(t.Context(), r)
		require.ErrorContains(t, err, want)
	}
	viewer, _ := slaClient(t, "viewer")
	_, err = viewer.SetSLAPolicy(t.Context(), admin.SLAPolicySet{Org: "acme", TargetMS: new(int64(600_000))})
	require.Equal(t, admin.Forbidden, admin.KindOf(err))
	policies, err := viewer.SLAPolicies(t.Context(), "acme", true)
	require.NoError(t, err)
	require.Nil(t, policies.Items[0].BusinessHours)
}
