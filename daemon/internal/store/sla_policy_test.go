package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// Who asks in March what was promised in January must find it, whichever door the
// change came through.
func TestPoliciesHaveAHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, err := b.SLAPolicies(b.ctx, b.org.ID, false)
	require.NoError(t, err)
	require.Len(t, p, 1)
	require.Equal(t, []any{5 * time.Minute, 0.8, "UTC", true, ""}, []any{p[0].Target, p[0].Objective, p[0].Hours.TimeZone, p[0].InForce, p[0].Owner})
	require.Nil(t, p[0].Hours.Days)
	p[0].Target, p[0].Owner, p[0].Reason = 10*time.Minute, "local:0", "new contract"
	p[0].Hours = automation.Hours{TimeZone: "Europe/Berlin", Days: map[string][]automation.Interval{"mon": {{From: "09:00", To: "18:00"}}}}
	_, set, err := b.SetSLAPolicy(b.ctx, b.org.ID, func(x *sla.Policy) error { *x = p[0]; return nil })
	require.NoError(t, err)
	require.Equal(t, []any{"local:0", "new contract", p[0].Hours}, []any{set.Owner, set.Reason, set.Hours})
	_, err = b.SetBusinessHours(b.ctx, automation.HoursWrite{OrgID: b.org.ID, Hours: automation.Hours{TimeZone: "Europe/Berlin"}})
	require.NoError(t, err)
	_, _, err = b.SetSLAPolicy(b.ctx, b.org.ID, func(x *sla.Policy) error { x.Owner = "local:0"; return nil })
	require.NoError(t, err, "what changes nothing is no new policy")
	all, err := b.SLAPolicies(b.ctx, b.org.ID, true)
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.Equal(t, []bool{true, false, false}, []bool{all[0].InForce, all[1].InForce, all[2].InForce})
	require.Equal(t, []string{"", "local:0", ""}, []string{all[0].Owner, all[1].Owner, all[2].Owner}, "the owner of one change is not the next one's")
	_, _, err = b.SetSLAPolicy(b.ctx, b.org.ID, func(x *sla.Policy) error {
		x.Hours.Days = map[string][]automation.Interval{"mon": {{From: "9", To: "18:00"}}}
		return nil
	})
	require.Equal(t, inbox.Invalid, inbox.KindOf(err))
}

// Two operators who each change one thing at the same moment must both have their
// way, by whichever of the two doors; and the record says from what.
func TestSettingsOfAnOrgAreNotLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 20
	ctx := inbox.WithChange(b.ctx, &inbox.Change{Actor: "token:5", Action: "orgs.set", RequestID: "r", Source: "socket"})
	var wg sync.WaitGroup
	failed := make(chan error, 2*n)
	for range n {
		wg.Go(func() {
			_, _, err := b.UpdateOrg(ctx, b.org.ID, func(o *inbox.Org) error { o.SLATarget += time.Minute; return nil })
			failed <- err
		})
		wg.Go(func() {
			_, _, err := b.SetSLAPolicy(ctx, b.org.ID, func(p *sla.Policy) error { p.Objective += 0.001; return nil })
			failed <- err
		})
	}
	wg.Wait()
	for range 2 * n {
		require.NoError(t, <-failed)
	}
	p, err := b.SLAPolicies(b.ctx, b.org.ID, false)
	require.NoError(t, err)
	require.Equal(t, (5+n)*time.Minute, p[0].Target)
	require.InDelta(t, 0.8+n*0.001, p[0].Objective, 1e-9)
	require.Equal(t, 2*n, b.count(`SELECT count(*) FROM audit WHERE detail ? 'before' AND detail ? 'after' AND detail->'before' <> detail->'after'`))
	before, after, err := b.UpdateOrg(ctx, b.org.ID, func(*inbox.Org) error { return nil })
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Equal(t, 2*n, b.count(`SELECT count(*) FROM audit`), "what was so already is no change")
}

// A day is a day of the org's own zone, and its figures are the same whenever they
// are asked for.
func TestFiguresOfAPastDay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`UPDATE orgs SET time_zone = 'America/New_York' WHERE id = $1`, b.org.ID)
	fourAM := 16 * 3600 // midnight of 6 October in New York, in seconds after noon of 5 October in UTC
	c := b.customer("1", fourAM-60)
	b.answer(c, fourAM+10, "o1")
	b.customer("2", fourAM+100)
	ask := func(day string) []sla.Figures {
		found, err := b.SLAFigures(b.ctx, sla.Question{OrgID: b.org.ID, By: sla.ByOrg, Day: day})
		require.NoError(t, err)
		return found
	}
	b.clock.set(at(fourAM + 3600))
	fifth, sixth := ask("2026-10-05"), ask("2026-10-06")
	require.Equal(t, []int64{1, 0}, []int64{fifth[0].Met, fifth[0].Missed})
	require.Equal(t, []int64{0, 1}, []int64{sixth[0].Met, sixth[0].Missed})
	b.judge(fourAM + 7200)
	b.clock.set(at(40 * 24 * 3600))
	require.Equal(t, fifth, ask("2026-10-05"))
	again := ask("2026-10-06")
	require.Equal(t, []int64{sixth[0].Met, sixth[0].Missed, sixth[0].Overdue}, []int64{again[0].Met, again[0].Missed, again[0].Overdue})
	require.Empty(t, ask("2026-10-07"))
}

// What a rule files under spam is nobody's miss, before and after; what it takes
// on is known when a miss is charged.
func TestRulesThatTagAndAssign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rule("spam", firstMessage, automation.Action{Type: automation.AssignUser, User: "dana"}, tag("spam"))
	c := b.customer("1", 0)
	require.Len(t, b.figures(sla.ByUser), 1)
	require.Equal(t, 1, b.automate())
	require.Equal(t, 1, b.count(`SELECT count(*) FROM assignments WHERE conversation_id = $1 AND user_id = $2`, c, b.user.ID))
	b.judge(400)
	require.Empty(t, b.figures(sla.ByUser))
}
