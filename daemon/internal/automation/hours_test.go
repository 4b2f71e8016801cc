package automation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/automation"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(tb, err)
	return z
}

func day(intervals ...string) (all []automation.Interval) {
	for _, iv := range intervals {
		from, to, _ := strings.Cut(iv, "-")
		all = append(all, automation.Interval{From: from, To: to})
	}
	return all
}

// Closed when the shop is open, customers hear "we are closed" from a person
// who then answers.
func TestOpen(t *testing.T) {
	t.Parallel()
	hours := automation.Hours{TimeZone: "Europe/Madrid", Days: map[string][]automation.Interval{
		"mon": day("09:00-14:00", "16:00-19:30"), "fri": day("20:00-02:00"), "sat": day("00:00-24:00"), "sun": day("22:00-03:30"),
	}}
	require.NoError(t, hours.Check())
	for at, want := range map[string]bool{
		"2026-10-05 08:59": false, "2026-10-05 09:00": true, "2026-10-05 13:59": true, "2026-10-05 14:00": false, "2026-10-05 16:00": true,
		"2026-10-05 19:29": true, "2026-10-05 19:30": false, "2026-10-06 12:00": false,
		"2026-10-09 19:59": false, "2026-10-09 20:00": true, "2026-10-10 01:59": true, "2026-10-10 02:00": true, "2026-10-10 23:59": true, "2026-10-11 00:00": false,
		"2026-10-11 22:00": true, "2026-10-12 03:29": true, "2026-10-12 03:30": false,
		// Clocks go back at 03:00 on 25 October 2026, a Sunday, and forward at 02:00 on 28 March 2027.
		"2026-10-25 02:30": false, "2026-10-26 03:00": true, "2027-03-28 03:00": false,
	} {
		local, err := time.ParseInLocation("2006-01-02 15:04", at, zone(t, "Europe/Madrid"))
		require.NoError(t, err)
		require.Equal(t, want, hours.Open(local.UTC()), at)
	}
	require.True(t, automation.Hours{TimeZone: "UTC"}.Open(time.Now()), "no setting is always open")
	require.False(t, automation.Hours{TimeZone: "UTC", Days: map[string][]automation.Interval{}}.Open(time.Now()))
}

// walk is another way to know when it is open: it goes minute by minute and
// looks at what the clock on the wall shows as text.
func walk(hours automation.Hours, loc *time.Location, from time.Time, minutes int) []bool {
	open := make([]bool, minutes)
	shown := func(t time.Time) (day, hhmm string) {
		day, hhmm, _ = strings.Cut(t.In(loc).Format("Mon 15:04"), " ")
		return strings.ToLower(day), hhmm
	}
	yesterday := map[string]string{"mon": "sun", "tue": "mon", "wed": "tue", "thu": "wed", "fri": "thu", "sat": "fri", "sun": "sat"}
	for i := range open {
		day, hhmm := shown(from.Add(time.Duration(i) * time.Minute))
		for _, iv := range hours.Days[day] {
			overnight := iv.To <= iv.From
			open[i] = open[i] || hhmm >= iv.From && (overnight || hhmm < iv.To)
		}
		for _, iv := range hours.Days[yesterday[day]] {
			open[i] = open[i] || iv.To <= iv.From && hhmm < iv.To
		}
	}
	return open
}

// Over any changes of the clock, in any zone, Open says what a walk says.
func TestOpenEqualsAWalk(t *testing.T) {
	t.Parallel()
	changes := map[string][]string{ // days around changes of the clock
		"Europe/Madrid":       {"2026-10-24", "2027-03-27"},
		"America/New_York":    {"2026-10-31", "2027-03-13"},
		"America/Mexico_City": {"2022-10-29", "2026-10-24"},
		"Australia/Lord_Howe": {"2026-10-03", "2027-04-03"}, // by half an hour
		"Pacific/Apia":        {"2011-12-28"},               // a day that never was
		"Asia/Kathmandu":      {"2026-01-01"},
		"America/Sao_Paulo":   {"2018-11-03"}, // midnight did not happen
		"Africa/Casablanca":   {"2026-02-14", "2026-03-21"},
	}
	var zones []string
	for name := range changes {
		zones = append(zones, name)
	}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(rt, "zone")
		loc := zone(t, name)
		start, err := time.ParseInLocation("2006-01-02", rapid.SampledFrom(changes[name]).Draw(rt, "start"), loc)
		require.NoError(rt, err)
		hours := automation.Hours{TimeZone: name, Days: map[string][]automation.Interval{}}
		for _, d := range automation.DayNames() {
			for range rapid.IntRange(0, 2).Draw(rt, d) {
				from := rapid.IntRange(0, 24*60-1).Draw(rt, "from")
				to := rapid.IntRange(0, 24*60).Filter(func(to int) bool { return to != from }).Draw(rt, "to")
				hours.Days[d] = append(hours.Days[d], automation.Interval{From: clock(from), To: clock(to)})
			}
		}
		require.NoError(rt, hours.Check())
		for i, want := range walk(hours, loc, start, 3*24*60) {
			at := start.Add(time.Duration(i) * time.Minute)
			if hours.OpenAt(at) != want || i%60 == 0 && hours.Open(at.UTC()) != want {
				rt.Fatalf("%s: open is not %v, %v", at, want, hours.Days)
			}
		}
	})
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

func TestHoursCheck(t *testing.T) {
	t.Parallel()
	for want, h := range map[string]automation.Hours{
		"Mars":            {TimeZone: "Mars"},
		"time zone":       {TimeZone: "Local"},
		"IANA":            {},
		"days.monday":     {TimeZone: "UTC", Days: map[string][]automation.Interval{"monday": nil}},
		"days.mon[0].to":  {TimeZone: "UTC", Days: map[string][]automation.Interval{"mon": day("09:00-24:01")}},
		"days.tue[1].fr":  {TimeZone: "UTC", Days: map[string][]automation.Interval{"tue": day("09:00-10:00", "9:00-10:00")}},
		"00:00 to 23:59":  {TimeZone: "UTC", Days: map[string][]automation.Interval{"wed": day("24:00-10:00")}},
		"00:00 to 24:00":  {TimeZone: "UTC", Days: map[string][]automation.Interval{"thu": day("09:00-09:00")}},
		"days.fri[0]":     {TimeZone: "UTC", Days: map[string][]automation.Interval{"fri": day("09:60-10:00")}},
		"at most 10":      {TimeZone: "UTC", Days: map[string][]automation.Interval{"sat": make([]automation.Interval, 11)}},
		"days.sun[0].fro": {TimeZone: "UTC", Days: map[string][]automation.Interval{"sun": day("+9:00-10:00")}},
	} {
		require.ErrorContains(t, h.Check(), want)
	}
}
