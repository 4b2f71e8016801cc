package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/automation"
)

// naiveDue counts open minutes one by one, as a person with a calendar would.
// started lies on a whole minute.
func naiveDue(h automation.Hours, started time.Time, target time.Duration) time.Time {
	if h.Days == nil {
		return started.Add(target)
	}
	zone, _ := time.LoadLocation(h.TimeZone)
	left := target
	for at := started; at.Before(started.Add(8760 * time.Hour)); at = at.Add(time.Minute) {
		if !h.OpenAt(at.In(zone)) {
			continue
		}
		if left <= time.Minute {
			return at.Add(left)
		}
		left -= time.Minute
	}
	return started.Add(8760 * time.Hour)
}

// naiveElapsed is the open time from one moment to another.
func naiveElapsed(h automation.Hours, started, ended time.Time) time.Duration {
	if h.Days == nil {
		return ended.Sub(started)
	}
	zone, _ := time.LoadLocation(h.TimeZone)
	var open time.Duration
	for at := started; at.Before(ended); at = at.Add(time.Minute) {
		if h.OpenAt(at.In(zone)) {
			open += min(time.Minute, ended.Sub(at))
		}
	}
	return open
}

func drawHours(t *rapid.T) automation.Hours {
	h := automation.Hours{
		TimeZone: rapid.SampledFrom([]string{"America/New_York", "Europe/Berlin", "UTC", "Australia/Lord_Howe", "Asia/Kolkata"}).Draw(t, "zone"),
		Days:     map[string][]automation.Interval{},
	}
	clock := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.SampledFrom([]int{0, 15, 30, 59}).Draw(t, "minute"))
	})
	for _, day := range automation.DayNames() {
		for range rapid.IntRange(0, 3).Draw(t, "intervals") {
			iv := automation.Interval{From: clock.Draw(t, "from"), To: rapid.OneOf(clock, rapid.Just("24:00")).Draw(t, "to")}
			if iv.From != iv.To {
				h.Days[day] = append(h.Days[day], iv)
			}
		}
	}
	return h
}

// The due time is business time: whatever the hours, the zone and the day clocks
// change, it is what counting open minutes one by one gives. Were it wrong, an
// agent would be charged for a night, or for an hour that never was.
func TestDueInBusinessTimeProperty(t *testing.T) {
	t.Parallel()
	b := database(t)
	// Around the changes of 2026: 8 March and 1 November in New York, 29 March and
	// 25 October in Berlin, 5 April and 4 October (by half an hour) on Lord Howe.
	days := []string{"2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31", "2026-07-03"}
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHours(rt)
		require.NoError(rt, h.Check())
		day, err := time.Parse(time.DateOnly, rapid.SampledFrom(days).Draw(rt, "day"))
		require.NoError(rt, err)
		started := day.Add(time.Duration(rapid.IntRange(0, 3*24*60).Draw(rt, "minute")) * time.Minute)
		target := time.Duration(rapid.SampledFrom([]int{1000, 60_000, 300_000, 3_600_000, 30_000_000}).Draw(rt, "target")) * time.Millisecond
		ended := started.Add(time.Duration(rapid.IntRange(0, 2*24*3600).Draw(rt, "until")) * time.Second)
		raw, err := json.Marshal(h.Days)
		require.NoError(rt, err)
		var due time.Time
		var elapsed int64
		require.NoError(rt, b.pool.QueryRow(b.ctx, `SELECT sla_due($1, $2, $3, $4::text::jsonb), sla_elapsed($1, $5, $3, $4::text::jsonb)`,
			started, target.Milliseconds(), h.TimeZone, string(raw), ended).Scan(&due, &elapsed))
		require.Equal(rt, naiveDue(h, started, target), due.UTC(), "due of %s", started)
		require.Equal(rt, naiveElapsed(h, started, ended).Milliseconds(), elapsed)
		require.Equal(rt, ended.Before(due), elapsed < target.Milliseconds(), "the two ways to judge an answer must agree")
	})
}

// What this server cannot read must not stop a webhook.
func TestDueOfHoursNobodyCanRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`UPDATE orgs SET time_zone = 'Mars/Olympus', business_hours = '{"mon":[{"from":"09:00","to":"17:00"}]}' WHERE id = $1`, b.org.ID)
	c := b.customer("1", 0)
	require.Equal(t, 300, b.episodes(c)[0].Due)
}

func TestBusinessHoursOfAClock(t *testing.T) {
	t.Parallel()
	shared := database(t)
	open := func(b *bundle, from, to string) {
		_, err := b.SetBusinessHours(b.ctx, automation.HoursWrite{OrgID: b.org.ID, Hours: automation.Hours{
			TimeZone: "UTC", Days: map[string][]automation.Interval{"mon": {{From: from, To: to}}, "tue": {{From: from, To: to}}},
		}})
		require.NoError(b.tb, err)
	}
	const hour = 3600
	for _, tc := range []struct {
		name string
		play func(b *bundle) int64
		want []episode
	}{
		{"AMessageAtNightStartsAtOpening", func(b *bundle) int64 {
			open(b, "09:00", "12:00") // it is Monday noon
			return b.customer("1", 10)
		}, []episode{{First: true, Start: 10, Due: 21*hour + 300, Answered: -1}}},
		{"WhatIsLeftOfTheDayCounts", func(b *bundle) int64 {
			open(b, "09:00", "12:04")
			return b.customer("1", 120)
		}, []episode{{First: true, Start: 120, Due: 21*hour + 180, Answered: -1}}},
		{"NewHoursHoldForNewEpisodesOnly", func(b *bundle) int64 {
			b.customer("1", 30)
			open(b, "14:00", "15:00")
			c := b.customer("0", 10) // moves the start: by the hours it began with
			b.answer(c, 40, "o1")
			return b.customer("2", 50)
		}, []episode{{First: true, Start: 10, Due: 310, Answered: 40}, {Start: 50, Due: 2*hour + 300, Answered: -1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			require.Equal(t, tc.want, clearIDs(b.episodes(tc.play(b))))
		})
	}
}
