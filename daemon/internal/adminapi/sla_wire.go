package adminapi

import (
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

func wireFigures(f sla.Figures) admin.SLAFigures {
	w := admin.SLAFigures{
		ID: f.Org, Name: f.Org, Org: f.Org, TargetMS: f.Target.Milliseconds(), Objective: f.Objective,
		N: f.N(), Met: f.Met, Missed: f.Missed, Pending: f.Pending, AtRisk: f.Risky, Overdue: f.Overdue,
	}
	if share, known := f.Compliance(); known {
		w.Compliance = &share
	}
	if len(f.Responses) > 0 {
		w.P50MS, w.P90MS, w.P95MS, w.WorstMS = millis(f.P50), millis(f.P90), millis(f.P95), millis(f.Worst)
	}
	if f.OldestOpen > 0 {
		w.OldestOpenMS = millis(f.OldestOpen)
	}
	switch {
	case f.Who != "":
		w.Who, w.User = word(string(f.Who)), word(f.User)
		w.Name = f.User
		if f.Who != sla.User {
			w.Name = string(f.Who)
		}
		w.ID = f.Org + "/" + w.Name
	case f.ChannelID != 0:
		id := strconv.FormatInt(f.ChannelID, 10)
		w.ID, w.Name, w.ChannelID, w.ChannelKind = id, id, &id, word(f.Channel)
	}
	return w
}

func millis(d time.Duration) *int64 {
	ms := d.Milliseconds()
	return &ms
}

func wireCases(all []sla.Case) []admin.SLACase {
	wire := make([]admin.SLACase, 0, len(all))
	for _, c := range all {
		w := admin.SLACase{
			ID: strconv.FormatInt(c.ID, 10), ConversationID: strconv.FormatInt(c.ConversationID, 10), Org: c.Org,
			User: word(c.User), Who: string(c.Who), ChannelID: strconv.FormatInt(c.ChannelID, 10), ChannelKind: c.Channel, First: c.First,
			StartedAt: c.StartedAt.UTC(), ReceivedAt: c.ReceivedAt.UTC(), DueAt: c.DueAt.UTC(), AnsweredAt: timeWord(c.AnsweredAt), Cause: word(string(c.Cause)),
		}
		if !c.AnsweredAt.IsZero() {
			w.ResponseMS = millis(c.Response)
		}
		if c.Cause != "" {
			s := c.Spent
			w.Spent = &admin.SLASpent{
				HumanMS: s.Human.Milliseconds(), ClosedMS: s.Closed.Milliseconds(), QueueWaitMS: s.QueueWait.Milliseconds(),
				HoldMS: s.Hold.Milliseconds(), LimitMS: s.Limit.Milliseconds(), RetriesMS: s.Retries.Milliseconds(), ProviderMS: s.Provider.Milliseconds(),
			}
		}
		wire = append(wire, w)
	}
	return wire
}

func slaCursor(c sla.Case) string {
	return strconv.FormatInt(c.StartedAt.UnixMicro(), 10) + "." + strconv.FormatInt(c.ID, 10)
}

func parseSLACursor(raw string) (sla.Cursor, error) {
	if raw == "" {
		return sla.Cursor{}, nil
	}
	at, id, _ := strings.Cut(raw, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	n, err2 := strconv.ParseInt(id, 10, 64)
	if err != nil || err2 != nil {
		return sla.Cursor{}, inbox.Faultf(inbox.Invalid, "bad_cursor", "%q is no cursor of this list: use the next of the page before", raw)
	}
	return sla.Cursor{At: time.UnixMicro(micros), ID: n}, nil
}

func wirePolicy(p sla.Policy) admin.SLAPolicy {
	w := admin.SLAPolicy{
		ID: strconv.FormatInt(p.ID, 10), Name: p.Org, Org: p.Org, TargetMS: p.Target.Milliseconds(), Objective: p.Objective,
		TimeZone: p.Hours.TimeZone, InForce: p.InForce, Owner: word(p.Owner), Reason: word(p.Reason), SetAt: p.SetAt.UTC(),
	}
	if p.Hours.Days != nil {
		w.BusinessHours = map[string][]admin.SLAInterval{}
		for day, intervals := range p.Hours.Days {
			for _, iv := range intervals {
				w.BusinessHours[day] = append(w.BusinessHours[day], admin.SLAInterval(iv))
			}
		}
	}
	return w
}

func hoursOf(wire map[string][]admin.SLAInterval) map[string][]automation.Interval {
	days := map[string][]automation.Interval{}
	for day, intervals := range wire {
		for _, iv := range intervals {
			days[day] = append(days[day], automation.Interval(iv))
		}
	}
	return days
}
