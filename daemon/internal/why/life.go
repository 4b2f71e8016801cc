package why

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// Life tells a job's life from top to bottom: what it waited for, every attempt,
// and what became of its message.
func Life(d inspect.Detail, now time.Time) []inspect.Moment {
	l := &life{d: d, now: now}
	l.created()
	ended := (*time.Time)(nil)
	for i, a := range d.Attempts {
		l.before(i, a, ended)
		l.attempt(a)
		ended = a.EndedAt
	}
	l.unfinished(ended)
	l.message()
	l.after()
	slices.SortStableFunc(l.moments, func(a, b inspect.Moment) int { return a.At.Compare(b.At) })
	return l.moments
}

type life struct {
	d       inspect.Detail
	now     time.Time
	moments []inspect.Moment
}

func (l *life) add(at time.Time, event, who, text string, until *time.Time) {
	m := inspect.Moment{At: at, Event: event, Who: who, Text: text}
	if until != nil {
		took := max(until.Sub(at), 0)
		m.Took = &took
	}
	l.moments = append(l.moments, m)
}

func (l *life) created() {
	who := cmp.Or(l.d.User, "nobody of ours")
	l.add(l.d.CreatedAt, "created", l.d.User, fmt.Sprintf("%s of %s by %s, %s", l.d.Type, l.d.Org, who, l.d.Priority), nil)
}

// dull is too short to be worth a line.
const dull = 50 * time.Millisecond

// before tells what lay between the attempt and the one before it.
func (l *life) before(i int, a inspect.Attempt, ended *time.Time) {
	if a.ReadyAt == nil {
		return
	}
	switch {
	case ended != nil && a.ReadyAt.Sub(*ended) > dull:
		l.add(*ended, "backoff", "", "waited before the next attempt", a.ReadyAt)
	case i == 0 && a.ReadyAt.Sub(l.d.CreatedAt) > dull:
		l.add(l.d.CreatedAt, "scheduled", "", "was not due yet", a.ReadyAt)
	}
	until := a.StartedAt
	if until == nil {
		until = a.EndedAt
	}
	l.wait(*a.ReadyAt, until, "ready")
}

// wait tells of one wait, and which holds covered how much of it.
func (l *life) wait(from time.Time, to *time.Time, word string) {
	if to == nil {
		return
	}
	from = later(from, l.d.CreatedAt) // the two are taken microseconds apart
	held, place := time.Duration(0), len(l.moments)
	reached := from // holds overlap: what one has covered does not count again
	for _, h := range l.d.Holds {
		begin, end := later(h.CreatedAt, from), *to
		if e := h.EndedAt(l.now); e != nil && e.Before(end) {
			end = *e
		}
		if !end.After(begin) {
			continue
		}
		l.add(begin, "hold", h.Owner, HoldText(h)+l.released(h), &end)
		if end.After(reached) {
			held += end.Sub(later(begin, reached))
			reached = end
		}
	}
	text := word
	if held > 0 {
		text += fmt.Sprintf("; %s of it held by operators, %s for its turn, a token or a slot", short(held), short(max(to.Sub(from)-held, 0)))
	}
	l.add(from, "wait", "", text, to)
	whole := l.moments[len(l.moments)-1] // it comes before its parts
	l.moments = slices.Insert(l.moments[:len(l.moments)-1], place, whole)
}

func (l *life) released(h inspect.Hold) string {
	switch {
	case h.ReleasedAt != nil:
		return "; released by " + cmp.Or(h.ReleasedBy, "nobody known")
	case h.EndedAt(l.now) != nil:
		return "; it ended by itself"
	case h.ExpiresAt != nil:
		return "; until " + h.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return "; until somebody releases it"
}

func (l *life) attempt(a inspect.Attempt) {
	at := a.StartedAt
	if at == nil {
		at = cmp.Or(a.EndedAt, a.ReadyAt)
	}
	if at == nil {
		return
	}
	text := "attempt " + strconv.Itoa(a.Attempt)
	if a.Host != "" {
		text += fmt.Sprintf(" on %s:%d", a.Host, a.PID)
	}
	if a.Lane != job.NoLane {
		text += " by " + a.Lane.String()
	}
	text += ": " + a.Outcome
	if a.Class != job.ClassNone && a.Class != job.ClassOK {
		text += " (" + string(a.Class)
		if a.ErrorCode != nil {
			text += " " + strconv.Itoa(*a.ErrorCode)
		}
		text += ")"
	}
	if a.Error != "" {
		text += " " + a.Error
	}
	end := a.EndedAt
	if end == nil {
		end = &l.now
	}
	l.add(*at, "attempt", "", text, end)
}

// unfinished tells what a live job waits for now.
func (l *life) unfinished(ended *time.Time) {
	if l.d.Outcome != 0 {
		return
	}
	switch l.d.State {
	case job.Ready, job.Held, job.Dispatched:
		from := l.d.CreatedAt
		if l.d.ReadyAt != nil {
			from = *l.d.ReadyAt
		}
		l.wait(from, &l.now, l.d.State.String()+" until now")
	case job.Scheduled:
		from := l.d.CreatedAt
		if ended != nil {
			from = *ended
		}
		l.add(from, "backoff", "", "waits for its next attempt", &l.now)
	case job.Running, job.Uncertain, job.Dead:
	}
}

// message tells what the provider has said of it since.
func (l *life) message() {
	m := l.d.Message
	if m == nil || (m.JobID != l.d.ID && m.JobID != 0) {
		return
	}
	for _, s := range []struct {
		status inbox.MessageStatus
		at     *time.Time
	}{{inbox.Sent, m.SentAt}, {inbox.Delivered, m.DeliveredAt}, {inbox.Read, m.ReadAt}} {
		if s.at != nil {
			l.add(*s.at, s.status.String(), "Meta", "message "+strconv.FormatInt(m.ID, 10)+" "+s.status.String(), nil)
		}
	}
	if m.FailedAt != nil {
		l.add(*m.FailedAt, "failed", "Meta", fmt.Sprintf("message %d failed: %s %s", m.ID, m.Class, m.Error), nil)
	}
}

// after tells who else has had a hand in it, and how it ended.
func (l *life) after() {
	for _, o := range l.d.Operations {
		l.add(o.At, "operation", o.Actor, fmt.Sprintf("operation %d, %s: %s", o.ID, o.Kind, o.Result), nil)
	}
	if l.d.FinishedAt != nil {
		l.add(*l.d.FinishedAt, "finished", "", l.d.Outcome.String(), nil)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// short writes a duration to three figures at most.
func short(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}
