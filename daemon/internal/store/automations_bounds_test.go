package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Everybody gets as many conversations as the others, however many rules run
// at once: of all users, or of those named in their order.
func TestRoundRobinIsFair(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"eli", "fay"} {
		_, err := b.CreateUser(b.ctx, b.org.ID, name)
		require.NoError(t, err)
	}
	b.rule("all", keyword("hello"), automation.Action{Type: automation.AssignRoundRobin})
	b.clock.set(at(100))
	b.ingest(b.crowd("all", 30))
	b.together(b.asked()...)
	require.Equal(t, []string{"dana 10", "eli 10", "fay 10"}, b.share())

	b.exec(`DELETE FROM automations`)
	b.rule("two", keyword("hello"), automation.Action{Type: automation.AssignRoundRobin, Users: []string{"fay", "dana"}})
	b.exec(`UPDATE conversations SET assignee_id = NULL`)
	b.exec(`DELETE FROM jobs`)
	b.ingest(b.crowd("two", 5))
	for _, q := range b.asked() { // one after the other: in the order that was given
		_, err := b.RunAutomations(b.ctx, q)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"dana 2", "fay 3"}, b.share())
}

// share is how many conversations each user has.
func (b *bundle) share() []string {
	b.tb.Helper()
	rows, err := b.pool.Query(b.ctx, `
SELECT u.name || ' ' || count(*) FROM conversations v JOIN users u ON u.id = v.assignee_id WHERE v.org_id = $1 GROUP BY u.name ORDER BY u.name`, b.org.ID)
	require.NoError(b.tb, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.tb, err)
	return all
}

// together runs requests at the same time and returns how many rules ran.
func (b *bundle) together(all ...automation.Request) int {
	b.tb.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var faults []error
	ran := 0
	for _, q := range all {
		wg.Go(func() {
			n, err := b.RunAutomations(b.ctx, q)
			mu.Lock()
			defer mu.Unlock()
			ran += n
			if err != nil {
				faults = append(faults, err)
			}
		})
	}
	wg.Wait()
	require.Empty(b.tb, faults)
	return ran
}

// Workers with the same job do it once.
func TestEffectsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rule("once", keyword("hello"), hello, automation.Action{Type: automation.AssignRoundRobin}, tag("x"))
	b.hears("1", "hello", at(0))
	q := b.asked()[0]
	require.Equal(t, 1, b.together(q, q, q, q, q, q))
	require.Zero(t, b.together(q))
	require.Equal(t, 1, b.sentTexts())
	require.Equal(t, 1, b.count(`SELECT turns FROM automations WHERE org_id = $1`, b.org.ID))
	require.Len(t, b.record(), 1)

	// A worker that died before its commit has done nothing.
	b.hears("2", "hello", at(1))
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err := b.RunAutomations(ctx, automation.Request{OrgID: b.org.ID, MessageID: q.MessageID + 1})
	require.Error(t, err)
	require.Equal(t, 1, b.sentTexts())
}

// Webhooks, rules that run, agents and changes of rules, all of the same few
// conversations at once: nobody is refused, and every rule runs once.
func TestAutomationsMeetEverybodyElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.set(at(100))
	r := b.rule("turns", keyword("hello"), automation.Action{Type: automation.AssignRoundRobin}, hello)
	b.rule("more turns", keyword("hello"), automation.Action{Type: automation.AssignRoundRobin}, tag("x"))
	b.rule("wait", noAnswer(5), hello)
	b.ingest(b.crowd("first", 8))
	conversations, err := b.Conversations(b.ctx, inbox.ConversationFilter{OrgID: b.org.ID, Limit: 8})
	require.NoError(t, err)
	var wg sync.WaitGroup
	do := func(what func(i int) error) {
		wg.Go(func() {
			for i := range 12 {
				if err := what(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		do(func(i int) error { _, err := b.Ingest(b.ctx, b.crowd(fmt.Sprint("again", i), 8), nil); return err })
		do(func(int) error {
			for _, q := range b.asked() {
				if _, err := b.RunAutomations(b.ctx, q); err != nil {
					return err
				}
			}
			return nil
		})
	}
	do(func(int) error {
		_, err := b.UpdateAutomation(b.ctx, automation.Write{OrgID: b.org.ID, ID: r.ID, Rule: r})
		return err
	})
	do(func(i int) error {
		_, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: conversations[i%8].ID, Text: "hi"})
		return err
	})
	do(func(i int) error {
		_, err := b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, ConversationID: conversations[7-i%8].ID, User: "dana"})
		return err
	})
	wg.Wait()
	b.automate()
	messages := b.count(`SELECT count(*) FROM messages WHERE org_id = $1 AND inbound`, b.org.ID)
	require.Equal(t, 8*13, messages)
	require.Equal(t, 2*messages, b.count(`SELECT count(*) FROM automation_runs r JOIN automations a ON a.id = r.rule_id WHERE a.org_id = $1 AND a.wait_minutes = 0`, b.org.ID))
	require.LessOrEqual(t, b.count(`SELECT max(n) FROM (SELECT count(*) AS n FROM messages WHERE origin = 'automation' AND org_id = $1 GROUP BY conversation_id) c`, b.org.ID),
		automation.MostSends)
}

// A timer travels through the real ledger: it waits, becomes due, and brings
// its minutes along.
func TestTimerTravels(t *testing.T) {
	t.Parallel()
	s := wire(t)
	s.rule("wait", noAnswer(30), tag("late"))
	c := s.customerAsks("amy")
	require.Equal(t, 1, s.count(`
SELECT count(*) FROM jobs WHERE job_type = 3 AND state = 0 AND run_at > clock_timestamp() + interval '29 minutes'
  AND deadline_at = run_at + interval '24 hours' AND channel_id = $1 AND serial_key = $2`, s.whatsapp.ID, c))
	s.due()
	got, err := s.ledger.Take(s.ctx, job.Pick{
		Queue: job.Automations, Type: job.RunAutomation, DialTo: 100, Shares: []job.Share{{OrgID: s.org.ID, Limit: 1}},
	}, s.worker)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.JSONEq(t, `{"minutes":30}`, string(got[0].Args))
	ran, err := s.RunAutomations(s.ctx, automation.Request{OrgID: s.org.ID, MessageID: got[0].SubjectID, Minutes: 30})
	require.NoError(t, err)
	require.Equal(t, 1, ran)
	require.True(t, s.finish(got[0], job.Result{Verdict: job.Succeed}))
}

// Two robots that answer each other stop: three messages a minute, then none,
// and the record says so. Other conversations notice nothing.
func TestLoopGuard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rule("echo", keyword("hello"), hello, tag("robot"))
	for i := range 5 {
		b.hears(fmt.Sprint(i), "hello", b.clock.add(time.Second))
		require.Equal(t, 1, b.automate())
	}
	done, held := "echo done sent tagged robot", "echo suppressed suppressed loop_guard tagged robot"
	require.Equal(t, []string{done, done, done, held, held}, b.record())
	require.Equal(t, automation.MostSends, b.sentTexts())
	other := b.says("other", b.clock.Now())
	other.Contact = inbox.Contact{UserID: "another"}
	b.ingest(inbox.Batch{Inbound: []inbox.Inbound{other}})
	require.Equal(t, 1, b.automate())
	require.Equal(t, automation.MostSends+1, b.sentTexts())
	b.clock.add(automation.SendWindow)
	b.hears("later", "hello", b.clock.Now())
	require.Equal(t, 1, b.automate())
	require.Equal(t, automation.MostSends+2, b.sentTexts())
}

// Rules belong to one org, have names of their own there, and are so many.
func TestAutomationsOfAnOrg(t *testing.T) {
	t.Parallel()
	shared := database(t)
	b, other := shared.fork(t), shared.fork(t)
	r := b.rule("a", firstMessage, hello)
	got, err := b.Automation(b.ctx, b.org.ID, r.ID)
	require.NoError(t, err)
	require.Equal(t, r, got)
	_, err = b.Automation(b.ctx, other.org.ID, r.ID)
	requireFault(t, err, inbox.NotFound, "automation_not_found")
	_, err = b.UpdateAutomation(b.ctx, automation.Write{OrgID: other.org.ID, ID: r.ID, Rule: r})
	requireFault(t, err, inbox.NotFound, "automation_not_found")
	requireFault(t, b.DeleteAutomation(b.ctx, automation.Write{OrgID: other.org.ID, ID: r.ID}), inbox.NotFound, "automation_not_found")
	_, err = b.CreateAutomation(b.ctx, automation.Write{OrgID: b.org.ID, Rule: r})
	requireFault(t, err, inbox.Conflict, "automation_exists")
	r.Actions = []automation.Action{{Type: automation.AssignUser, User: "nemo"}}
	_, err = b.UpdateAutomation(b.ctx, automation.Write{OrgID: b.org.ID, ID: r.ID, Rule: r})
	requireFault(t, err, inbox.Unprocessable, "unknown_user")

	b.exec(`INSERT INTO automations (org_id, name, trigger, conditions, actions)
		SELECT $1, 'n' || n, '{"type":"first_message"}', '{}', '[]' FROM generate_series(1, $2::int) n`, b.org.ID, automation.MostRules-2)
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for i := range 4 {
		wg.Go(func() {
			_, err := b.CreateAutomation(b.ctx, automation.Write{OrgID: b.org.ID, Rule: automation.Rule{
				Name: fmt.Sprint("last", i), Trigger: firstMessage, Actions: []automation.Action{hello},
			}})
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				refused++
				requireFault(t, err, inbox.Conflict, "too_many_automations")
			}
		})
	}
	wg.Wait()
	require.Equal(t, 3, refused)
	page, err := b.Automations(b.ctx, b.org.ID, 0, 1000)
	require.NoError(t, err)
	require.Len(t, page, automation.MostRules)
	page, err = b.Automations(b.ctx, b.org.ID, page[197].ID, 1000)
	require.NoError(t, err)
	require.Len(t, page, 2)
	other.rule("a", firstMessage, hello)
}
