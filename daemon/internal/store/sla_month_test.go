package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// happening is something that happened at a minute of the month, and became known
// at another.
type happening struct {
	kind      string // question, echo, answer, fails, assign, renamed
	at, known int    // minutes after the month began
	id        string
	user      int // of answer and assign: 0 nobody, 1 dana, 2 eli
	echo      int // of an answer on Instagram: 1 its own echo comes before it is known to be sent, 2 after
}

// The month has the end of summer time of Berlin (25 October) and of New York (1
// November) in it.
func monthBegan() time.Time { return time.Date(2026, 10, 10, 0, 0, 0, 0, time.UTC) }

func minuteOfMonth(n int) time.Time { return monthBegan().Add(time.Duration(n) * time.Minute) }

const monthMinutes = 30 * 24 * 60

// drawMonth draws what happens in one conversation: each at a minute of its own,
// webhooks late, out of order and twice.
func drawMonth(t *rapid.T) []happening {
	minutes := rapid.SliceOfNDistinct(rapid.IntRange(0, monthMinutes), 2, 14, rapid.ID).Draw(t, "minutes")
	slices.Sort(minutes)
	if rapid.Bool().Draw(t, "close together") { // all within a few hours
		from := minutes[0]
		for i := range minutes {
			minutes[i] = from + i*rapid.IntRange(1, 4).Draw(t, "step")
		}
		for i := 1; i < len(minutes); i++ {
			minutes[i] = max(minutes[i], minutes[i-1]+1)
		}
	}
	var all []happening
	for i, m := range minutes {
		h := happening{
			kind: rapid.SampledFrom([]string{"question", "question", "echo", "answer", "answer", "assign", "renamed"}).Draw(t, "kind"),
			at:   m, known: m, id: fmt.Sprint(i), user: rapid.IntRange(0, 2).Draw(t, "user"),
		}
		switch h.kind {
		case "question", "echo":
			h.known += rapid.SampledFrom([]int{0, 0, 1, 7, 200}).Draw(t, "late")
			if rapid.Bool().Draw(t, "twice") {
				again := h
				again.known += rapid.IntRange(0, 30).Draw(t, "later")
				all = append(all, again)
			}
		case "answer":
			h.user, h.echo = max(h.user, 1), rapid.IntRange(0, 2).Draw(t, "own echo")
			if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
				failed := m + rapid.IntRange(1, 30).Draw(t, "failed")
				all = append(all, happening{kind: "fails", at: failed, known: failed, id: h.id})
			}
		}
		all = append(all, h)
	}
	slices.SortStableFunc(all, func(a, b happening) int { return a.known - b.known })
	return all
}

// replay is the naive recomputation: it takes what becomes known, in that order,
// and keeps a list of episodes by the rules of docs/sla.md, in minutes.
type replay struct {
	questions map[int]bool
	answers   map[int]int // minute to user: those that count
	ids       map[string]int
	assigned  []happening
	episodes  []replayed
}

type replayed struct{ start, answered, by int } // answered -1: open

func newReplay() *replay {
	return &replay{questions: map[int]bool{}, answers: map[int]int{}, ids: map[string]int{}}
}

func (r *replay) take(h happening) {
	switch h.kind {
	case "assign":
		r.assigned = append(r.assigned, h)
		return
	case "renamed": // whoever it is called now, it is the same customer
		return
	case "question":
		r.questions[h.at] = true
	case "echo", "answer":
		if _, known := r.answers[h.at]; known {
			return
		}
		if h.kind == "echo" {
			h.user = 0
		}
		r.answers[h.at], r.ids[h.id] = h.user, h.at
		r.earlier(h)
		r.stop()
		if h.kind == "echo" {
			r.missed(h)
		}
	case "fails":
		at, known := r.ids[h.id]
		if !known {
			return
		}
		delete(r.answers, at)
		r.reopen(at)
		r.stop()
	}
	r.start()
}

// first returns the first minute of a set from one to another; -1: none.
func firstIn[V any](set map[int]V, from, to int) int {
	best := -1
	for m := range set {
		if m >= from && m <= to && (best < 0 || m < best) {
			best = m
		}
	}
	return best
}

const never = 1 << 30

func (r *replay) lastAnswer(before int) int {
	last := -1
	for m := range r.answers {
		if m < before {
			last = max(last, m)
		}
	}
	return last
}

func (r *replay) earlier(h happening) {
	best := -1
	for i, e := range r.episodes {
		if e.start <= h.at && e.answered > h.at && (best < 0 || e.start > r.episodes[best].start) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	was := r.episodes[best].answered
	r.episodes[best].answered, r.episodes[best].by = h.at, h.user
	if q := firstIn(r.questions, h.at+1, was); q >= 0 {
		a := firstIn(r.answers, q, never)
		r.episodes = append(r.episodes, replayed{q, a, r.answers[a]})
	}
}

func (r *replay) stop() {
	for i, e := range r.episodes {
		if a := firstIn(r.answers, e.start, never); e.answered < 0 && a >= 0 {
			r.episodes[i].answered, r.episodes[i].by = a, r.answers[a]
		}
	}
}

func (r *replay) missed(h happening) {
	q := firstIn(r.questions, r.lastAnswer(h.at)+1, h.at)
	if q < 0 || slices.ContainsFunc(r.episodes, func(e replayed) bool { return e.start <= q && (e.answered < 0 || e.answered >= q) }) {
		return
	}
	r.episodes = append(r.episodes, replayed{q, h.at, h.user})
}

func (r *replay) reopen(at int) {
	for i, e := range r.episodes {
		if e.answered != at {
			continue
		}
		next := firstIn(r.answers, e.start, never)
		r.episodes[i].answered, r.episodes[i].by = next, r.answers[next]
		until := next
		if next < 0 {
			until = never
		}
		r.episodes = slices.DeleteFunc(r.episodes, func(b replayed) bool { return b.start > e.start && b.start <= until })
		return
	}
}

func (r *replay) start() {
	q := firstIn(r.questions, r.lastAnswer(never)+1, never)
	if q < 0 {
		return
	}
	for i, e := range r.episodes {
		if e.answered < 0 {
			r.episodes[i].start = min(e.start, q)
			return
		}
	}
	r.episodes = append(r.episodes, replayed{q, -1, 0})
}

// judged is a verdict in words.
type judged struct {
	Start, Answered int
	Due             time.Time
	Met             bool
	Charged         int
	ResponseMS      int64
}

func (r *replay) verdicts(h automation.Hours) []judged {
	all := []judged{}
	for _, e := range r.episodes {
		due := naiveDue(h, minuteOfMonth(e.start), 5*time.Minute)
		v := judged{Start: e.start, Answered: e.answered, Due: due, Charged: e.by}
		if e.answered >= 0 {
			v.Met = minuteOfMonth(e.answered).Before(due)
			v.ResponseMS = naiveElapsed(h, minuteOfMonth(e.start), minuteOfMonth(e.answered)).Milliseconds()
		} else {
			for _, a := range r.assigned {
				if !minuteOfMonth(a.at).After(due) {
					v.Charged = a.user
				}
			}
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b judged) int { return a.Start - b.Start })
	return all
}

// anyTalkOf returns the conversation of a contact, 0 if nobody has written yet.
func (b *bundle) anyTalkOf(c inbox.Contact) int64 {
	return int64(b.count(`SELECT coalesce(max(v.id), 0) FROM conversations v JOIN contacts k ON k.id = v.contact_id WHERE k.user_id = $1 AND k.org_id = $2`, c.UserID, b.org.ID))
}

// customer is one whose month is played.
type customer struct {
	inbox.Contact

	account inbox.Account
	month   int             // its ids are of
	sends   map[string]bool // answers that went out
}

// happen lets something become known, and reports whether it could. agents are
// the users by their number in a happening.
func (b *bundle) happen(t *rapid.T, h happening, c *customer, agents []inbox.User) (done bool) {
	b.clock.set(minuteOfMonth(h.known))
	webhook := inbox.Batch{}
	conversation := b.anyTalkOf(c.Contact)
	id := fmt.Sprintf("m%d.%s", c.month, h.id)
	echo := inbox.Echo{Account: c.account, ProviderID: id, Contact: c.Contact, Kind: inbox.KindText, At: minuteOfMonth(h.at)}
	switch h.kind {
	case "question":
		in := b.says(id, minuteOfMonth(h.at))
		in.Contact, in.Account = c.Contact, c.account
		webhook.Inbound = append(webhook.Inbound, in)
	case "echo":
		webhook.Echoes = append(webhook.Echoes, echo)
	case "renamed":
		if conversation == 0 {
			return false
		}
		old := c.UserID
		c.UserID = id
		webhook.Identities = append(webhook.Identities, inbox.IdentityChange{Account: c.account, OldUserID: old, UserID: id, At: minuteOfMonth(h.at)})
	case "assign":
		name := ""
		if h.user > 0 {
			name = agents[h.user].Name
		}
		_, err := b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: conversation, User: name})
		return err == nil
	case "answer":
		r, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: agents[h.user].ID, ConversationID: conversation, Text: "hi"})
		if err != nil {
			return false // the 24-hour window is closed, or nobody has written yet
		}
		b.started(r)
		own := inbox.Batch{Echoes: []inbox.Echo{echo}}
		if c.account == b.wa() {
			b.outcome(sent(r, inbox.Accepted, id)) // it does not echo what we send
		} else {
			if h.echo == 1 {
				b.ingest(own)
			}
			b.outcome(sent(r, inbox.Sent, id))
			if h.echo == 2 {
				b.ingest(own)
			}
		}
		c.sends[h.id] = true
		return true
	case "fails":
		if !c.sends[h.id] {
			return false
		}
		webhook.Statuses = append(webhook.Statuses, inbox.StatusUpdate{
			Account: c.account, ProviderID: id, Status: inbox.Failed, At: minuteOfMonth(h.at), ErrorClass: string(job.ClassPermission),
		})
	}
	_, err := b.Ingest(b.ctx, webhook, []byte(`{}`))
	require.NoError(t, err)
	return true
}

// Whatever came late, twice or out of order, whoever had the conversation in
// between, on whichever day clocks changed and however long the evaluator was
// away: every verdict is the one that follows from what happened, and what a day
// comes to is what its verdicts do, whenever somebody asks.
func TestAMonthOfVerdictsProperty(t *testing.T) {
	t.Parallel()
	shared := database(t)
	b := shared.fork(t)
	eli, err := b.CreateUser(b.ctx, b.org.ID, "eli")
	require.NoError(t, err)
	agents := []inbox.User{{}, b.user, eli}
	numbers := map[int64]int{b.user.ID: 1, eli.ID: 2}
	nine := map[string][]automation.Interval{"sat": {{From: "10:00", To: "13:00"}}, "sun": {{From: "01:30", To: "02:30"}}}
	for _, day := range automation.DayNames()[:5] {
		nine[day] = []automation.Interval{{From: "09:00", To: "12:30"}, {From: "13:30", To: "18:00"}}
	}
	type kind struct {
		what string
		seen int
	}
	interesting := []kind{{what: "outcome = 1"}, {what: "outcome = 2 AND answered_at IS NOT NULL"}, {what: "answered_at IS NULL AND charged_id IS NOT NULL"}, {what: "answered_by IS NULL"}}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		hours := automation.Hours{TimeZone: rapid.SampledFrom([]string{"America/New_York", "Europe/Berlin"}).Draw(rt, "zone"), Days: nine}
		if rapid.Bool().Draw(rt, "always open") {
			hours.Days = nil
		}
		_, err := b.SetBusinessHours(b.ctx, automation.HoursWrite{OrgID: b.org.ID, Hours: hours})
		require.NoError(rt, err)
		c := &customer{Contact: inbox.Contact{UserID: fmt.Sprintf("m%d", n)}, account: b.wa(), month: n, sends: map[string]bool{}}
		if rapid.Bool().Draw(rt, "instagram") {
			c.account = b.ig()
		}
		naive := newReplay()
		for _, h := range drawMonth(rt) {
			if b.happen(rt, h, c, agents) {
				naive.take(h)
			}
			if rapid.Bool().Draw(rt, "the evaluator looks") {
				_, err := b.JudgeEpisodes(b.ctx)
				require.NoError(rt, err)
			}
		}
		b.clock.set(minuteOfMonth(2 * monthMinutes))
		_, err = b.JudgeEpisodes(b.ctx)
		require.NoError(rt, err)
		want := naive.verdicts(hours)
		require.Equal(rt, want, b.verdicts(rt, b.anyTalkOf(c.Contact), numbers))
		if rapid.Bool().Draw(rt, "days are counted") {
			require.NoError(rt, b.RollSLADays(b.ctx))
		}
		for day, tallies := range talliesOf(want, hours.TimeZone) {
			require.Equal(rt, tallies, b.tallies(rt, day, numbers), "the figures of %s", day)
		}
		for i := range interesting {
			interesting[i].seen += b.count(`SELECT count(*) FROM episodes WHERE ` + interesting[i].what)
		}
		b.exec(`DELETE FROM episodes`)
	})
	for _, some := range interesting {
		require.Positive(t, some.seen, "the months were dull: no %s", some.what)
	}
}

// tally is what a user's clocks of a day come to; user -1 is the phone app, 0
// nobody.
type tally struct {
	Met, Missed int64
	Worst       time.Duration
}

// talliesOf adds verdicts up by day and user.
func talliesOf(all []judged, zone string) map[string]map[int]tally {
	place, _ := time.LoadLocation(zone)
	days := map[string]map[int]tally{}
	for _, v := range all {
		day, user := minuteOfMonth(v.Start).In(place).Format(time.DateOnly), v.Charged
		if user == 0 && v.Answered >= 0 {
			user = -1
		}
		if days[day] == nil {
			days[day] = map[int]tally{}
		}
		sum := days[day][user]
		if v.Met {
			sum.Met++
		} else {
			sum.Missed++
		}
		sum.Worst = max(sum.Worst, time.Duration(v.ResponseMS)*time.Millisecond)
		days[day][user] = sum
	}
	return days
}

// tallies is what SLAFigures says of a day.
func (b *bundle) tallies(t *rapid.T, day string, numbers map[int64]int) map[int]tally {
	found, err := b.SLAFigures(b.ctx, sla.Question{OrgID: b.org.ID, By: sla.ByUser, Day: day})
	require.NoError(t, err)
	all := map[int]tally{}
	for _, f := range found {
		user := numbers[f.UserID]
		if f.Who == sla.PhoneApp {
			user = -1
		}
		all[user] = tally{f.Met, f.Missed, f.Worst}
	}
	return all
}

func (b *bundle) verdicts(t *rapid.T, conversation int64, numbers map[int64]int) []judged {
	rows, err := b.pool.Query(b.ctx, `
SELECT (extract(epoch FROM started_at - $2) / 60)::int, coalesce((extract(epoch FROM answered_at - $2) / 60)::int, -1), due_at, outcome = 1,
       coalesce(charged_id, 0), CASE WHEN answered_at IS NOT NULL THEN response_ms ELSE 0 END
FROM episodes WHERE conversation_id = $1 AND judged_at IS NOT NULL ORDER BY started_at`, conversation, monthBegan())
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v judged, err error) {
		var user int64
		err = row.Scan(&v.Start, &v.Answered, &v.Due, &v.Met, &user, &v.ResponseMS)
		v.Due, v.Charged = v.Due.UTC(), numbers[user]
		return v, err
	})
	require.NoError(t, err)
	return all
}
