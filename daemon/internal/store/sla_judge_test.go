package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// judge lets the evaluator look so many seconds after noon, and explain misses a
// little later.
func (b *bundle) judge(second int) []sla.Stamp {
	b.tb.Helper()
	b.clock.set(at(second))
	stamps, err := b.JudgeEpisodes(b.ctx)
	require.NoError(b.tb, err)
	b.clock.set(at(second + 5))
	_, err = b.ExplainMisses(b.ctx)
	require.NoError(b.tb, err)
	b.clock.set(at(second))
	return stamps
}

func (b *bundle) assign(conversation int64, second int, name string) {
	b.tb.Helper()
	b.clock.set(at(second))
	_, err := b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: conversation, User: name})
	require.NoError(b.tb, err)
}

// misses are those of the first day, newest first.
func (b *bundle) misses() []sla.Case {
	b.tb.Helper()
	found, err := b.SLAMisses(b.ctx, sla.MissQuestion{Question: b.asks(""), Limit: 100})
	require.NoError(b.tb, err)
	return found
}

func (b *bundle) asks(by sla.By) sla.Question {
	return sla.Question{OrgID: b.org.ID, By: by, Span: sla.Span{From: at(-3600), To: at(24 * 3600)}}
}

func (b *bundle) figures(by sla.By) []sla.Figures {
	b.tb.Helper()
	found, err := b.SLAFigures(b.ctx, b.asks(by))
	require.NoError(b.tb, err)
	return found
}

// A verdict is a fact about stored times. Whoever it falls on, an evaluator that
// was away must find the same as one that looked every second.
func TestVerdictsDoNotDependOnWhenTheyAreStamped(t *testing.T) { //nolint:tparallel // evaluators on one database see each other's clocks
	t.Parallel()
	shared := database(t)
	type verdict struct {
		Who        sla.Who
		User       string
		Missed     bool
		Cause      sla.Cause
		AnsweredAt int
	}
	for _, tc := range []struct {
		name string
		play func(b *bundle, look func(second int))
		want verdict
	}{
		{"MetIsTheAuthors", func(b *bundle, look func(int)) {
			b.answer(b.customer("1", 0), 299, "o1")
			look(310)
		}, verdict{Who: sla.User, User: "dana", AnsweredAt: 299}},
		{"TheDueMomentIsTooLate", func(b *bundle, look func(int)) {
			b.answer(b.customer("1", 0), 300, "o1")
			look(310)
		}, verdict{sla.User, "dana", true, sla.Human, 300}},
		{"LateIsTheAuthors", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.assign(c, 10, "eli")
			look(301)
			b.answer(c, 400, "o1")
			look(410)
		}, verdict{sla.User, "dana", true, sla.Human, 400}},
		{"UnansweredIsTheAssigneesAtTheDueTime", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.assign(c, 10, "dana")
			b.assign(c, 299, "eli")
			look(301)
			b.assign(c, 302, "dana")
			look(303)
		}, verdict{sla.User, "eli", true, sla.Human, -1}},
		{"TakenAwayInTime", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.assign(c, 10, "dana")
			b.assign(c, 20, "")
			look(301)
		}, verdict{sla.Unassigned, "", true, sla.Human, -1}},
		{"AnEchoIsNobodys", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.assign(c, 10, "eli")
			look(301)
			b.echo("e1", 310)
			look(320)
		}, verdict{sla.PhoneApp, "", true, sla.Human, 310}},
		{"AnEchoInTimeThatIsKnownLate", func(b *bundle, look func(int)) {
			b.customer("1", 0)
			look(301)
			b.clock.set(at(330))
			b.echo("e1", 299)
			look(340)
		}, verdict{Who: sla.PhoneApp, AnsweredAt: 299}},
		{"AWebhookThatCameTooLateIsTheProviders", func(b *bundle, look func(int)) {
			b.clock.set(at(280))
			c := b.customer("1", 0)
			b.answer(c, 310, "o1")
			look(320)
		}, verdict{sla.User, "dana", true, sla.Provider, 310}},
		{"AnAnswerInFlightWhenItIsDue", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.clock.set(at(100))
			r := b.reply(c)
			look(301)
			b.started(r)
			b.outcome(sent(r, inbox.Accepted, "o1"))
			look(310)
		}, verdict{Who: sla.User, User: "dana", AnsweredAt: 100}},
		{"ALateFailureTakesAVerdictBack", func(b *bundle, look func(int)) {
			r := b.answer(b.customer("1", 0), 40, "o1")
			b.exec(`UPDATE job_history SET ready_at = $2, started_at = $2, finished_at = $2 WHERE id = $1`, r.JobID, at(40))
			look(50)
			b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(60), ErrorClass: string(job.ClassPermission)})
			look(301)
		}, verdict{sla.Unassigned, "", true, sla.Human, -1}},
		{"WaitingInTheQueue", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.clock.set(at(10))
			r := b.reply(c)
			b.exec(`UPDATE jobs SET ready_at = $2 WHERE id = $1`, r.JobID, at(10))
			look(301)
		}, verdict{sla.Unassigned, "", true, sla.QueueWait, -1}},
		{"WaitingForAHold", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.clock.set(at(10))
			r := b.reply(c)
			b.exec(`UPDATE jobs SET ready_at = $2 WHERE id = $1`, r.JobID, at(10))
			b.exec(`INSERT INTO holds (org_id, owner, created_at, released_at) VALUES ($1, 'local:0', $2, $3)`, b.org.ID, at(20), at(900))
			look(301)
		}, verdict{sla.Unassigned, "", true, sla.Hold, -1}},
		{"BackingOff", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.clock.set(at(10))
			r := b.reply(c)
			b.exec(`UPDATE jobs SET state = 0, ready_at = NULL WHERE id = $1`, r.JobID)
			b.exec(`INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, error_class, ready_at, started_at, at)
				VALUES ($1, $2, 1, 1, 1, 1, 1, 2, 'transient', $3, $3, $4)`, r.JobID, b.org.ID, at(10), at(12))
			look(301)
		}, verdict{sla.Unassigned, "", true, sla.Retries, -1}},
		{"TheProviderDoesNotAnswer", func(b *bundle, look func(int)) {
			c := b.customer("1", 0)
			b.clock.set(at(10))
			r := b.reply(c)
			b.exec(`UPDATE jobs SET state = 3, ready_at = $2, started_at = $2 WHERE id = $1`, r.JobID, at(10))
			look(301)
		}, verdict{sla.Unassigned, "", true, sla.Provider, -1}},
		{"NoTokenIsLeft", func(b *bundle, look func(int)) {
			b.exec(`INSERT INTO org_limits (org_id, name, value, window_ms, owner) VALUES ($1, 'send_text', 1, 3600000, 'local:0')`, b.org.ID)
			b.exec(`INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, started_at, finished_at)
				VALUES (-1, $1, 1, 1, 1, 1, 1, 1, 1, $2, $2, $3)`, b.org.ID, at(5), at(6))
			c := b.customer("1", 0)
			b.clock.set(at(10))
			r := b.reply(c)
			b.exec(`UPDATE jobs SET ready_at = $2 WHERE id = $1`, r.JobID, at(10))
			look(301)
		}, verdict{sla.Unassigned, "", true, sla.Limit, -1}},
	} {
		for name, live := range map[string]bool{"Live": true, "AfterAnHour": false} {
			t.Run(tc.name+name, func(t *testing.T) {
				b := shared.fork(t)
				_, err := b.CreateUser(b.ctx, b.org.ID, "eli")
				require.NoError(t, err)
				tc.play(b, func(second int) {
					if live {
						b.judge(second)
					}
				})
				b.judge(3900)
				byUser := b.figures(sla.ByUser)
				require.Len(t, byUser, 1)
				got := verdict{Who: byUser[0].Who, User: byUser[0].User, Missed: byUser[0].Missed == 1, AnsweredAt: b.episodes(b.conversation().ID)[0].Answered}
				if got.Missed {
					missed := b.misses()
					require.Len(t, missed, 1)
					require.Equal(t, []any{got.Who, got.User}, []any{missed[0].Who, missed[0].User})
					s := missed[0].Spent
					end := missed[0].DueAt
					if !missed[0].AnsweredAt.IsZero() {
						end = missed[0].AnsweredAt
					}
					require.Equal(t, end.Sub(missed[0].StartedAt), s.Human+s.Closed+s.QueueWait+s.Hold+s.Limit+s.Retries+s.Provider, "the parts add up")
					got.Cause = missed[0].Cause
				}
				require.Equal(t, tc.want, got)
			})
		}
	}
}

// What is read follows from stored times too: figures must not wait for the
// evaluator, nor change when it comes.
func TestFiguresDoNotWaitForTheEvaluator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.CreateUser(b.ctx, b.org.ID, "eli")
	require.NoError(t, err)
	c := b.customer("1", 0)
	require.Equal(t, []sla.Figures{{OrgID: b.org.ID, Org: b.org.Name, Target: 5 * time.Minute, Objective: 0.8, Pending: 1}},
		b.figures(sla.ByOrg), "pending is shown and not counted")
	share, known := b.figures(sla.ByOrg)[0].Compliance()
	require.False(t, known, "no verdict is no share")
	require.Zero(t, share)
	b.answer(c, 42, "o1")
	b.customer("2", 100)
	b.assign(c, 110, "eli")
	b.clock.set(at(345))
	risky := b.figures(sla.ByUser)
	require.Equal(t, int64(1), risky[1].Risky)
	soon, err := b.SLAAtRisk(b.ctx, b.org.ID, false, 10)
	require.NoError(t, err)
	require.Len(t, soon, 1)
	require.Equal(t, "eli", soon[0].User)
	b.clock.set(at(1000))
	before := b.figures(sla.ByUser)
	require.Len(t, before, 2)
	require.Equal(t, []any{"eli", int64(1), int64(1)}, []any{before[0].User, before[0].Missed, before[0].Overdue}, "the worst comes first")
	require.Equal(t, []any{"dana", int64(1), 42 * time.Second, 42 * time.Second}, []any{before[1].User, before[1].Met, before[1].P50, before[1].Worst})
	fresh := b.judge(1000)
	require.Len(t, fresh, 2)
	require.Empty(t, b.judge(1000), "a verdict is stamped once")
	require.Equal(t, before, b.figures(sla.ByUser))
	require.Equal(t, int64(2), b.figures(sla.ByChannel)[0].N())
	require.Equal(t, b.whatsapp.ID, b.figures(sla.ByChannel)[0].ChannelID)
	require.Equal(t, at(400), b.misses()[0].DueAt.UTC())
	b.exec(`UPDATE conversations SET tags = '{spam}' WHERE id = $1`, c)
	b.exec(`UPDATE episodes SET excluded = true WHERE conversation_id = $1`, c)
	require.Empty(t, b.figures(sla.ByUser), "spam is nobody's miss")
	require.Empty(t, b.misses())
}

// A dump brings verdicts with transactions of a server that had counted further.
// They are not new, however often somebody asks.
func TestRestoredAnswersAreNotNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer(b.customer("1", 0), 42, "o1")
	b.judge(50)
	b.exec(`UPDATE episodes SET judged_tx = (judged_tx::text::bigint + 1000000)::text::xid8`)
	_, from, err := b.AnswersSince(b.ctx, "")
	require.NoError(t, err)
	seen, _, err := b.AnswersSince(b.ctx, from)
	require.NoError(t, err)
	require.Len(t, seen, 1, "what this is about")

	require.NoError(t, b.AdoptRestored(b.ctx))
	_, from, err = b.AnswersSince(b.ctx, "")
	require.NoError(t, err)
	seen, _, err = b.AnswersSince(b.ctx, from)
	require.NoError(t, err)
	require.Empty(t, seen)
}

// Each answer is observed once by every process, whatever commits late.
func TestAnswersAreTailedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, from, err := b.AnswersSince(b.ctx, "")
	require.NoError(t, err)
	c := b.customer("1", 0)
	b.answer(c, 42, "o1")
	b.judge(50)
	seen, next, err := b.AnswersSince(b.ctx, from)
	require.NoError(t, err)
	require.Equal(t, []sla.Stamp{{OrgID: b.org.ID, Org: b.org.Name, UserID: b.user.ID, User: "dana", Met: true, Answered: true, Response: 42 * time.Second}}, seen)
	b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(60), ErrorClass: string(job.ClassPermission)})
	b.answer(c, 70, "o2")
	b.judge(80)
	seen, _, err = b.AnswersSince(b.ctx, next)
	require.NoError(t, err)
	require.Empty(t, seen)
}
