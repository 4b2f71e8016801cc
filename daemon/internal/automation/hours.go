package automation

import (
	"fmt"
	"strconv"
	"time"
	_ "time/tzdata" // zones must mean the same on a machine that has no list of them

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// MostIntervals is how many intervals a day may have.
const MostIntervals = 10

// Interval is part of a day by the clock on the wall: From belongs to it, To
// does not. A To that is not after From lies on the next day. "24:00" is the end
// of the day.
type Interval struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Hours are the business hours of an org. Days are mon to sun; a day that is
// not there is closed, nil Days means no setting: always open.
//
// Open is what the clock on the wall of the zone shows: on the day clocks go
// forward the hour that does not happen is nobody's, on the day they go back the
// hour that happens twice counts twice.
type Hours struct {
	TimeZone string                `json:"time_zone"`
	Days     map[string][]Interval `json:"days"`
}

// DayNames are the keys of Days, Monday first.
func DayNames() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

func dayName(d time.Weekday) string { return DayNames()[(int(d)+6)%7] }

// Check returns an Invalid fault that names what is wrong, if anything.
func (h Hours) Check() error {
	if _, err := time.LoadLocation(h.TimeZone); err != nil || h.TimeZone == "" || h.TimeZone == "Local" {
		return inbox.Faultf(inbox.Invalid, "bad_time_zone", "%q is not a time zone: use an IANA name such as Europe/Madrid", h.TimeZone)
	}
	known := map[string]bool{}
	for _, day := range DayNames() {
		known[day] = true
		if err := checkDay(day, h.Days[day]); err != nil {
			return err
		}
	}
	for day := range h.Days {
		if !known[day] {
			return badHours("days.%s is no day: use mon, tue, wed, thu, fri, sat, sun", note(day))
		}
	}
	return nil
}

func checkDay(day string, intervals []Interval) error {
	if len(intervals) > MostIntervals {
		return badHours("days.%s has %d intervals: use at most %d", day, len(intervals), MostIntervals)
	}
	for i, iv := range intervals {
		where := fmt.Sprintf("days.%s[%d]", day, i)
		from, okFrom := minuteOf(iv.From)
		to, okTo := minuteOf(iv.To)
		switch {
		case !okFrom || from == endOfDay:
			return badHours("%s.from %q is no time of day: use 00:00 to 23:59", where, note(iv.From))
		case !okTo:
			return badHours("%s.to %q is no time of day: use 00:00 to 24:00", where, note(iv.To))
		case from == to:
			return badHours("%s is empty: use 00:00 to 24:00 for the whole day", where)
		}
	}
	return nil
}

func badHours(format string, args ...any) error {
	return inbox.Faultf(inbox.Invalid, "bad_business_hours", format, args...)
}

const endOfDay = 24 * 60

// minuteOf reads HH:MM as minutes of the day.
func minuteOf(s string) (int, bool) {
	if len(s) != len("09:00") || s[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	minute := int(h)*60 + int(m)
	return minute, err1 == nil && err2 == nil && m < 60 && minute <= endOfDay
}

// Open reports whether at is within business hours. Hours that were not checked
// are open where they make no sense.
func (h Hours) Open(at time.Time) bool {
	zone, err := time.LoadLocation(h.TimeZone)
	if h.Days == nil || err != nil {
		return true
	}
	return h.OpenAt(at.In(zone))
}

// OpenAt is Open for a time that is in the zone already.
func (h Hours) OpenAt(at time.Time) bool {
	minute, today := at.Hour()*60+at.Minute(), at.Weekday()
	for _, iv := range h.Days[dayName(today)] {
		from, to := iv.minutes()
		if minute >= from && (to <= from || minute < to) {
			return true
		}
	}
	for _, iv := range h.Days[dayName((today+6)%7)] { // what yesterday began
		if from, to := iv.minutes(); to <= from && minute < to {
			return true
		}
	}
	return false
}

func (i Interval) minutes() (from, to int) {
	from, _ = minuteOf(i.From)
	to, _ = minuteOf(i.To)
	return from, to
}

// HoursWrite is a change of an org's business hours.
type HoursWrite struct {
	OrgID int64
	Hours Hours
	Once  inbox.Once
}
