package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// answer replies so many seconds after noon and has Meta accept it.
func (b *bundle) answer(conversation int64, second int, providerID string) inbox.Receipt {
	b.tb.Helper()
	b.clock.set(at(second))
	r := b.reply(conversation)
	b.started(r)
	b.outcome(sent(r, inbox.Accepted, providerID))
	return r
}

// customer delivers a text of so many seconds after noon, at once.
func (b *bundle) customer(id string, second int) int64 {
	b.tb.Helper()
	if at(second).After(b.clock.Now()) {
		b.clock.set(at(second))
	}
	b.ingest(inbox.Batch{Inbound: []inbox.Inbound{b.says(id, at(second))}})
	return b.conversation().ID
}

// echo delivers an answer typed on the phone.
func (b *bundle) echo(id string, second int) {
	b.tb.Helper()
	if at(second).After(b.clock.Now()) {
		b.clock.set(at(second))
	}
	b.ingest(inbox.Batch{Echoes: []inbox.Echo{{Account: b.wa(), ProviderID: id, Contact: mira(), Kind: inbox.KindText, Text: "hi", At: at(second)}}})
}

func (b *bundle) status(update inbox.StatusUpdate) inbox.Applied {
	b.tb.Helper()
	update.Account = b.wa()
	return b.ingest(inbox.Batch{Statuses: []inbox.StatusUpdate{update}})
}

func TestClock(t *testing.T) {
	t.Parallel()
	shared := database(t)
	for _, tc := range []struct {
		name string
		play func(b *bundle)
		want []episode
	}{
		{"LaterMessagesJoin", func(b *bundle) {
			b.customer("1", 0)
			b.customer("2", 10)
		}, []episode{{First: true, Start: 0, Due: 300, Answered: -1}}},
		{"AnAnswerStopsItWhenItWasPressed", func(b *bundle) {
			b.answer(b.customer("1", 0), 42, "o1")
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 42}}},
		{"TheNextMessageOpensTheNextResponse", func(b *bundle) {
			b.answer(b.customer("1", 0), 42, "o1")
			b.customer("2", 100)
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 42}, {Start: 100, Due: 400, Answered: -1}}},
		{"AnEarlierMessageMovesAnOpenStartBack", func(b *bundle) {
			b.customer("1", 30)
			b.customer("0", 10)
		}, []episode{{First: true, Start: 10, Due: 310, Answered: -1}}},
		{"AMessageOlderThanTheAnswerDoesNotReopen", func(b *bundle) {
			b.answer(b.customer("1", 0), 42, "o1")
			b.clock.set(at(60))
			b.customer("late", 20)
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 42}}},
		{"AMessageBetweenPressAndAcceptKeepsTheClock", func(b *bundle) {
			c := b.customer("1", 0)
			b.clock.set(at(40))
			r := b.reply(c)
			b.customer("2", 50)
			b.started(r)
			b.outcome(sent(r, inbox.Accepted, "o1"))
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 40}, {Start: 50, Due: 350, Answered: -1}}},
		{"AnEchoStopsIt", func(b *bundle) {
			b.customer("1", 0)
			b.echo("e1", 20)
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 20}}},
		{"ALateEchoLeavesWhatCameAfterIt", func(b *bundle) {
			b.customer("1", 0)
			b.customer("2", 30)
			b.echo("e1", 20)
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 20}, {Start: 30, Due: 330, Answered: -1}}},
		{"AnEchoOlderThanTheQuestionStopsNothing", func(b *bundle) {
			b.customer("1", 30)
			b.echo("e1", 20)
		}, []episode{{First: true, Start: 30, Due: 330, Answered: -1}}},
		{"OneDeliveryOfAWholeTalk", func(b *bundle) {
			b.customer("1", 0)
			b.clock.set(at(100))
			e := func(id string, second int) inbox.Echo {
				return inbox.Echo{Account: b.wa(), ProviderID: id, Contact: mira(), Kind: inbox.KindText, At: at(second)}
			}
			b.ingest(inbox.Batch{
				Inbound: []inbox.Inbound{b.says("4", at(50)), b.says("2", at(20)), b.says("3", at(25))},
				Echoes:  []inbox.Echo{e("e2", 40), e("e3", 41), e("e1", 10)},
			})
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 10}, {Start: 20, Due: 320, Answered: 40}, {Start: 50, Due: 350, Answered: -1}}},
		{"ALateEchoOfAnEarlierAnswerCounts", func(b *bundle) {
			b.customer("1", 0)
			b.echo("e2", 400)
			b.echo("e1", 20)
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 20}}},
		{"ALateEchoPartsAnEpisode", func(b *bundle) {
			b.customer("1", 0)
			b.customer("2", 30)
			b.echo("e2", 40)
			b.echo("e1", 20)
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 20}, {Start: 30, Due: 330, Answered: 40}}},
		{"AnAnswerInDoubtThatWentOutCountsFromItsPress", func(b *bundle) {
			c := b.customer("1", 0)
			b.clock.set(at(10))
			r := b.reply(c)
			b.started(r)
			b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Uncertain})
			b.answer(c, 350, "o2")
			b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Sent, At: at(11), JobID: r.JobID, Epoch: 1})
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 10}}},
		{"ALateReportOfTheFirstAnswerCountsFromItsPress", func(b *bundle) {
			c := b.customer("1", 0)
			b.clock.set(at(10))
			r := b.reply(c)
			b.started(r)
			b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Uncertain})
			b.customer("2", 15)
			b.answer(c, 350, "o2")
			b.outcome(sent(r, inbox.Accepted, "o1"))
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 10}, {Start: 15, Due: 315, Answered: 350}}},
		{"ABusinessInitiatedThreadStartsWithTheCustomer", func(b *bundle) {
			b.echo("e1", 0)
			b.customer("1", 10)
		}, []episode{{First: true, Start: 10, Due: 310, Answered: -1}}},
		{"ABotDoesNotStopIt", func(b *bundle) {
			c := b.customer("1", 0)
			r, err := b.SendTemplate(b.ctx, inbox.TemplateSend{OrgID: b.org.ID, ConversationID: c, Template: inbox.Template{Name: "hi", Language: "en"}})
			require.NoError(b.tb, err)
			b.started(r)
			b.outcome(sent(r, inbox.Accepted, "o1"))
		}, []episode{{First: true, Start: 0, Due: 300, Answered: -1}}},
		{"AnAnswerThatFailsAtOnceStopsNothing", func(b *bundle) {
			r := b.reply(b.customer("1", 0))
			b.started(r)
			b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Failed, Class: job.ClassPolicyBlocked})
		}, []episode{{First: true, Start: 0, Due: 300, Answered: -1}}},
		{"AnAnswerThatFailsLateOpensItAgain", func(b *bundle) {
			b.answer(b.customer("1", 0), 40, "o1")
			b.customer("2", 50)
			b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(60), ErrorClass: "policy_blocked"})
		}, []episode{{First: true, Start: 0, Due: 300, Answered: -1}}},
		{"ALateFailureGivesWayToTheNextAnswer", func(b *bundle) {
			c := b.customer("1", 0)
			b.answer(c, 40, "o1")
			b.customer("2", 50)
			b.answer(c, 70, "o2")
			b.customer("3", 80)
			b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(90), ErrorClass: "policy_blocked"})
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 70}, {Start: 80, Due: 380, Answered: -1}}},
		{"ALateFailureOfAnAnswerThatStoppedNothing", func(b *bundle) {
			c := b.customer("1", 0)
			b.answer(c, 40, "o1")
			b.answer(c, 50, "o2")
			b.status(inbox.StatusUpdate{ProviderID: "o2", Status: inbox.Failed, At: at(60), ErrorClass: "policy_blocked"})
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 40}}},
		{"ARetriedAnswerCountsFromTheSecondPress", func(b *bundle) {
			r := b.answer(b.customer("1", 0), 40, "o1")
			b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(60), ErrorClass: "policy_blocked"})
			b.clock.set(at(100))
			again, err := b.RetryMessage(b.ctx, inbox.MessageRetry{OrgID: b.org.ID, UserID: b.user.ID, MessageID: r.MessageID})
			require.NoError(b.tb, err)
			b.started(again)
			b.outcome(sent(again, inbox.Accepted, "o2"))
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 100}}},
		{"AStatusFasterThanOurCommitStopsIt", func(b *bundle) {
			c := b.customer("1", 0)
			b.clock.set(at(40))
			r := b.reply(c)
			b.started(r)
			applied := b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Sent, At: at(41), JobID: r.JobID, Epoch: 1})
			require.Equal(b.tb, 1, applied.Settled)
			b.outcome(sent(r, inbox.Accepted, "o1")) // refused: the job is history of another transaction
		}, []episode{{First: true, Start: 0, Due: 300, Answered: 40}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			tc.play(b)
			require.Equal(t, tc.want, clearIDs(b.episodes(b.conversation().ID)))
		})
	}

	t.Run("CreditsTheAuthorNotTheAssignee", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		_, err := b.CreateUser(b.ctx, b.org.ID, "eli")
		require.NoError(t, err)
		c := b.customer("1", 0)
		_, err = b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c, User: "eli"})
		require.NoError(t, err)
		r := b.answer(c, 10, "o1")
		require.Equal(t, []episode{{First: true, Due: 300, Answered: 10, By: b.user.ID, Message: r.MessageID}}, b.episodes(c))
		b.customer("2", 20)
		require.Equal(t, 1, b.count(`SELECT count(*) FROM episodes e JOIN users u ON u.id = e.assignee_id WHERE u.name = 'eli' AND NOT first AND e.org_id = $1`, b.org.ID))
		b.echo("e1", 30)
		require.Zero(t, b.episodes(c)[1].By, "the phone app is nobody of ours")
		require.NotZero(t, b.episodes(c)[1].Message)
	})

	t.Run("AnOpenEpisodeKeepsItsTarget", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 30)
		b.exec(`UPDATE orgs SET sla_target_ms = 60000 WHERE id = $1`, b.org.ID)
		b.customer("0", 10)
		require.Equal(t, 310, b.episodes(c)[0].Due)
		b.answer(c, 40, "o1")
		b.customer("2", 50)
		require.Equal(t, 110, b.episodes(c)[1].Due)
	})
}
