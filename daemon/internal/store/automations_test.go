package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

var (
	firstMessage = automation.Trigger{Type: automation.FirstMessage}
	hello        = automation.Action{Type: automation.SendText, Text: "Hello!"}
)

func keyword(words ...string) automation.Trigger {
	return automation.Trigger{Type: automation.Keyword, Keywords: words}
}

func noAnswer(minutes int) automation.Trigger {
	return automation.Trigger{Type: automation.NoAnswer, Minutes: minutes}
}

func tag(name string) automation.Action { return automation.Action{Type: automation.Tag, Tag: name} }

// rule adds a rule to the bundle's org.
func (b *bundle) rule(name string, t automation.Trigger, actions ...automation.Action) automation.Rule {
	b.tb.Helper()
	r, err := b.CreateAutomation(b.ctx, automation.Write{OrgID: b.org.ID, Rule: automation.Rule{Name: name, Enabled: true, Trigger: t, Actions: actions}})
	require.NoError(b.tb, err)
	return r
}

// asked are the requests that wait as jobs of the bundle's org.
func (b *bundle) asked() (all []automation.Request) {
	b.tb.Helper()
	rows, err := b.pool.Query(b.ctx, `
SELECT org_id, subject_id, coalesce((args->>'minutes')::int, 0) FROM jobs WHERE org_id = $1 AND job_type = 3 ORDER BY id`, b.org.ID)
	require.NoError(b.tb, err)
	all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[automation.Request])
	require.NoError(b.tb, err)
	return all
}

// automate runs everything that waits, and takes the jobs away.
func (b *bundle) automate() (ran int) {
	b.tb.Helper()
	for _, q := range b.asked() {
		n, err := b.RunAutomations(b.ctx, q)
		require.NoError(b.tb, err)
		ran += n
	}
	b.exec(`DELETE FROM jobs WHERE org_id = $1 AND job_type = 3`, b.org.ID)
	return ran
}

// record is what is on record of the rules that ran.
func (b *bundle) record() (all []string) {
	b.tb.Helper()
	rows, err := b.pool.Query(b.ctx, `
SELECT r.rule_name || ' ' || r.outcome || coalesce((
  SELECT string_agg(' ' || (a->>'result') || coalesce(' ' || coalesce(a->>'reason', a->>'user', a->>'tag'), ''), '' ORDER BY n)
  FROM jsonb_array_elements(r.actions) WITH ORDINALITY AS x(a, n)), '')
FROM automation_runs r WHERE r.org_id = $1 ORDER BY r.message_id, r.rule_id`, b.org.ID)
	require.NoError(b.tb, err)
	all, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.tb, err)
	return all
}

// sentTexts are the texts that automations have accepted for sending.
func (b *bundle) sentTexts() int {
	b.tb.Helper()
	return b.count(`SELECT count(*) FROM messages WHERE org_id = $1 AND origin = 'automation'`, b.org.ID)
}

// hears lets a customer say a text, and returns the conversation.
func (b *bundle) hears(id, text string, at time.Time) int64 {
	b.tb.Helper()
	in := b.says(id, at)
	in.Text = text
	b.ingest(inbox.Batch{Inbound: []inbox.Inbound{in}})
	return int64(b.count(`SELECT conversation_id FROM messages WHERE org_id = $1 AND provider_id = $2`, b.org.ID, id))
}

// What a rule sends is a message of the automation with a job of normal
// priority, in order; the conversation changes with it; and the clock goes on.
func TestAutomationEffects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rule("welcome", firstMessage, hello, automation.Action{
		Type: automation.SendTemplate, Template: &automation.Template{Name: "menu", Language: "en_US", Components: json.RawMessage(`[{"type":"body"}]`)},
	}, automation.Action{Type: automation.AssignUser, User: "dana"}, tag("new"), tag("new"))
	c := b.hears("1", "hi", at(0))
	require.Equal(t, []job.Queue{job.Automations}, b.jobs.woke)
	require.Equal(t, 1, b.automate())
	require.Equal(t, []string{"welcome done sent sent assigned dana tagged new tagged new"}, b.record())
	rows, err := b.pool.Query(b.ctx, `
SELECT m.kind || ' ' || m.origin || ' ' || m.status || ' ' || m.body || coalesce(m.payload->>'name', '') || ' ' || j.priority || ' ' || j.job_type || ' ' || (j.serial_key = $1) || ' ' || coalesce(m.clock_at::text, '-')
FROM messages m JOIN jobs j ON j.id = m.job_id AND j.subject_id = m.id WHERE m.conversation_id = $1 AND NOT m.inbound ORDER BY m.id`, c)
	require.NoError(t, err)
	sent, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"text automation 0 Hello! 2 1 true -", "template automation 0 menu 2 2 true -"}, sent)
	require.Equal(t, []job.Queue{job.Automations, job.WhatsApp}, b.jobs.woke)
	found, err := b.Conversation(b.ctx, b.org.ID, c)
	require.NoError(t, err)
	require.Equal(t, "dana", found.Assignee)
	require.Equal(t, []string{"new"}, found.Tags)
	require.False(t, found.DueAt.IsZero(), "an automation is no answer")

	b.hears("2", "hi again", at(1))
	require.Zero(t, b.automate(), "the second message is not the first")
}

// An automation that went out, also as an echo, is no answer of a human's; the
// human's is.
func TestAutomationNeverStopsTheClock(t *testing.T) {
	t.Parallel()
	s := wire(t)
	s.rule("welcome", firstMessage, hello)
	c := s.customerAsks("amy")
	require.Equal(t, 1, s.automate())
	require.True(t, s.finish(s.take(1)[0], accepted("wamid.auto")))
	require.Equal(t, -1, s.episodes(c)[0].Answered)
	s.ingest(inbox.Batch{Statuses: []inbox.StatusUpdate{{Account: s.wa(), ProviderID: "wamid.auto", Status: inbox.Read, At: time.Now()}}})
	require.Equal(t, -1, s.episodes(c)[0].Answered)
	s.reply(c)
	require.True(t, s.finish(s.take(1)[0], accepted("wamid.human")))
	require.Len(t, s.episodes(c), 1)
	require.NotEqual(t, -1, s.episodes(c)[0].Answered)

	// Instagram echoes what we sent, perhaps before we know that we did.
	ask := inbox.Inbound{Account: s.ig(), ProviderID: "mid.1", Contact: inbox.Contact{UserID: "ig"}, Kind: inbox.KindText, Text: "a", At: time.Now()}
	s.ingest(inbox.Batch{Inbound: []inbox.Inbound{ask}})
	require.Equal(t, 1, s.automate())
	got, err := s.ledger.Take(s.ctx, job.Pick{
		Queue: job.Instagram, Type: job.SendMessage, DialTo: 100, Shares: []job.Share{{OrgID: s.org.ID, Limit: 1}},
	}, s.worker)
	require.NoError(t, err)
	require.Len(t, got, 1)
	s.ingest(inbox.Batch{Echoes: []inbox.Echo{{Account: s.ig(), ProviderID: "mid.auto", Contact: ask.Contact, Kind: inbox.KindText, Text: "Hello!", At: time.Now()}}})
	require.True(t, s.finish(got[0], job.Result{Verdict: job.Succeed, Message: &job.MessageEffect{Status: inbox.Sent, ProviderID: "mid.auto"}}))
	ig := int64(s.count(`SELECT conversation_id FROM messages WHERE provider_id = 'mid.1'`))
	require.Len(t, s.episodes(ig), 1)
	require.Equal(t, -1, s.episodes(ig)[0].Answered)
	require.Empty(t, s.asked(), "an echo sets nothing off")
}

// Which messages make jobs: a customer's new ones that wait for an answer.
func TestWhatSetsOffAutomations(t *testing.T) {
	t.Parallel()
	shared := database(t)
	for name, c := range map[string]struct {
		batch func(*bundle) inbox.Batch
		want  int
	}{
		"Text": {func(b *bundle) inbox.Batch { return inbox.Batch{Inbound: []inbox.Inbound{b.says("1", at(0))}} }, 1},
		"TwoOfOne": {func(b *bundle) inbox.Batch {
			return inbox.Batch{Inbound: []inbox.Inbound{b.says("1", at(0)), b.says("2", at(-1))}}
		}, 2},
		"Twice": {func(b *bundle) inbox.Batch {
			return inbox.Batch{Inbound: []inbox.Inbound{b.says("1", at(0)), b.says("1", at(0))}}
		}, 1},
		"Reaction": {func(b *bundle) inbox.Batch {
			in := b.says("1", at(0))
			in.Kind = inbox.KindReaction
			return inbox.Batch{Inbound: []inbox.Inbound{in}}
		}, 0},
		"Edit": {func(b *bundle) inbox.Batch {
			in := b.says("1", at(0))
			in.Kind = inbox.KindEdit
			return inbox.Batch{Inbound: []inbox.Inbound{in}}
		}, 0},
		"Standby": {func(b *bundle) inbox.Batch {
			in := b.says("1", at(0))
			in.Standby = true
			return inbox.Batch{Inbound: []inbox.Inbound{in}}
		}, 0},
		"Echo": {func(b *bundle) inbox.Batch {
			return inbox.Batch{Echoes: []inbox.Echo{{Account: b.wa(), ProviderID: "1", Contact: mira(), Kind: inbox.KindText, Text: "hi", At: at(0)}}}
		}, 0},
		"JustInTime": {func(b *bundle) inbox.Batch {
			return inbox.Batch{Inbound: []inbox.Inbound{b.says("1", noon().Add(-automation.Stale))}}
		}, 1},
		"TooLate": {func(b *bundle) inbox.Batch {
			return inbox.Batch{Inbound: []inbox.Inbound{b.says("1", noon().Add(-automation.Stale-time.Second))}}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, bare := shared.fork(t), shared.fork(t)
			b.rule("all", keyword("hello"), tag("x"))
			b.ingest(c.batch(b))
			require.Len(t, b.asked(), c.want)
			b.ingest(c.batch(b))
			require.Len(t, b.asked(), c.want, "delivered again")
			bare.ingest(c.batch(bare))
			require.Empty(t, bare.asked(), "an org without rules")
			require.Empty(t, bare.jobs.woke)
		})
	}
}

// A rule that is not there any more when its job runs, or is off, does nothing.
func TestRulesAreReadWhenTheyRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone, off, other := b.rule("gone", firstMessage, tag("gone")), b.rule("off", firstMessage, tag("off")), b.rule("other", firstMessage, tag("other"))
	c := b.hears("1", "hi", at(0))
	require.NoError(t, b.DeleteAutomation(b.ctx, automation.Write{OrgID: b.org.ID, ID: gone.ID}))
	off.Enabled = false
	_, err := b.UpdateAutomation(b.ctx, automation.Write{OrgID: b.org.ID, ID: off.ID, Rule: off})
	require.NoError(t, err)
	other.Name, other.Actions = "renamed", []automation.Action{tag("renamed")}
	_, err = b.UpdateAutomation(b.ctx, automation.Write{OrgID: b.org.ID, ID: other.ID, Rule: other})
	require.NoError(t, err)
	require.Equal(t, 1, b.automate())
	found, err := b.Conversation(b.ctx, b.org.ID, c)
	require.NoError(t, err)
	require.Equal(t, []string{"renamed"}, found.Tags)
	off.Enabled = true
	_, err = b.RunAutomations(b.ctx, automation.Request{OrgID: b.org.ID, MessageID: 1 << 40})
	requireFault(t, err, inbox.NotFound, "message_not_found")
	stranger := database(t).fork(t)
	_, err = b.RunAutomations(b.ctx, automation.Request{OrgID: stranger.org.ID + 1000, MessageID: 1})
	requireFault(t, err, inbox.NotFound, "message_not_found")
}

// What a rule may not do is on its record with the reason, and the rest of it is
// done.
func TestActionsThatAreSkipped(t *testing.T) {
	t.Parallel()
	shared := database(t)
	template := automation.Action{Type: automation.SendTemplate, Template: &automation.Template{Name: "menu", Language: "en"}}
	for name, c := range map[string]struct {
		actions []automation.Action
		given   func(*bundle, int64)
		want    string
	}{
		"WindowClosed":  {[]automation.Action{hello, tag("x")}, func(b *bundle, _ int64) { b.clock.add(25 * time.Hour) }, "r partly skipped window_closed tagged x"},
		"TemplateAfter": {[]automation.Action{template}, func(b *bundle, _ int64) { b.clock.add(25 * time.Hour) }, "r done sent"},
		"OnlyOne":       {[]automation.Action{hello}, func(b *bundle, _ int64) { b.clock.add(25 * time.Hour) }, "r skipped skipped window_closed"},
		"Broken": {[]automation.Action{hello, template}, func(b *bundle, _ int64) {
			b.exec(`UPDATE channels SET state = 'broken' WHERE org_id = $1`, b.org.ID)
		}, "r skipped skipped channel_not_active skipped channel_not_active"},
		"PausedWaits": {[]automation.Action{hello, template}, func(b *bundle, _ int64) {
			b.exec(`UPDATE channels SET state = 'paused' WHERE org_id = $1`, b.org.ID)
		}, "r done sent sent"},
		"TooManyTags": {[]automation.Action{tag("x"), tag("t1")}, func(b *bundle, c int64) {
			b.exec(`UPDATE conversations SET tags = ARRAY(SELECT 't' || n FROM generate_series(1, 20) n) WHERE id = $1`, c)
		}, "r partly skipped too_many_tags tagged t1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			b.rule("r", firstMessage, c.actions...)
			conversation := b.hears("1", "hi", at(0))
			c.given(b, conversation)
			require.Equal(t, 1, b.automate())
			require.Equal(t, []string{c.want}, b.record())
		})
	}
	t.Run("Instagram", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		b.rule("r", firstMessage, template, hello)
		b.ingest(inbox.Batch{Inbound: []inbox.Inbound{{Account: b.ig(), ProviderID: "1", Contact: inbox.Contact{UserID: "ig"}, Kind: inbox.KindText, Text: "hi", At: at(0)}}})
		require.Equal(t, 1, b.automate())
		require.Equal(t, []string{"r partly skipped templates_not_supported sent"}, b.record())
	})
}

// A rule that waits looks again: only if nobody has answered, and the
// conversation is open, does it do anything.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	shared := database(t)
	for name, c := range map[string]struct {
		meanwhile func(*bundle, int64)
		want      int
	}{
		"Nobody":   {func(*bundle, int64) {}, 1},
		"Answered": {func(b *bundle, c int64) { r := b.reply(c); b.started(r); b.outcome(sent(r, inbox.Accepted, "a")) }, 0},
		"OnItsWay": {func(b *bundle, c int64) { b.reply(c) }, 0},
		"Failed": {func(b *bundle, c int64) {
			r := b.reply(c)
			b.started(r)
			b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Failed, Class: job.ClassAuth, Attempt: 1})
		}, 1},
		"Resolved": {func(b *bundle, c int64) {
			_, err := b.SetState(b.ctx, inbox.StateChange{OrgID: b.org.ID, ConversationID: c, State: inbox.Resolved})
			require.NoError(b.tb, err)
		}, 0},
		"Automated": {func(b *bundle, c int64) { b.rule("other", keyword("again"), hello); b.hears("2", "again", at(30)) }, 2},
		"ByPhone": {func(b *bundle, _ int64) {
			b.ingest(inbox.Batch{Echoes: []inbox.Echo{{Account: b.wa(), ProviderID: "e", Contact: mira(), Kind: inbox.KindText, Text: "hi", At: at(10)}}})
		}, 0},
		"AskedBefore": {func(b *bundle, _ int64) { b.hears("0", "earlier, but late", at(-60)) }, 1}, // the earlier one has a timer of its own
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			b.clock.set(at(60))
			b.rule("slow", noAnswer(10), hello, tag("waiting"))
			conversation := b.hears("1", "hello?", at(0))
			require.Equal(t, 1, b.count(`
SELECT count(*) FROM jobs WHERE org_id = $1 AND job_type = 3 AND state = 0 AND run_at = $2::timestamptz + interval '10 minutes' AND args = '{"minutes": 10}'`,
				b.org.ID, at(0)), "ten minutes after the clock began")
			b.hears("more", "anybody?", at(20))
			require.Len(t, b.asked(), 1, "a message that joins a clock starts no timer")
			b.hears("1", "hello?", at(0))
			require.Len(t, b.asked(), 1, "delivered again")
			c.meanwhile(b, conversation)
			require.Equal(t, c.want, b.automate())
		})
	}
}

// A conversation that has been answered starts a timer anew with the next
// question; several waits are several timers.
func TestTimersFollowTheClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rule("five", noAnswer(5), tag("five"))
	b.rule("also five", noAnswer(5), tag("five too"))
	b.rule("day", noAnswer(1440), tag("day"))
	c := b.hears("1", "a", at(0))
	require.Len(t, b.asked(), 2)
	r := b.reply(c)
	b.started(r)
	b.outcome(sent(r, inbox.Accepted, "a"))
	b.clock.set(at(100))
	b.hears("2", "b", at(90))
	require.Len(t, b.asked(), 4)
	require.Equal(t, 3, b.automate(), "the timers of the first question find it answered")
	require.Equal(t, []string{"five done tagged five", "also five done tagged five too", "day done tagged day"}, b.record())
}

// The org's business hours decide by the time of the message, not of its run.
func TestOutsideHours(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rule("closed", automation.Trigger{Type: automation.OutsideHours}, tag("night"))
	c := b.hears("1", "a", at(0))
	require.Zero(t, b.automate(), "no setting is always open")
	hours := automation.Hours{TimeZone: "Europe/Madrid", Days: map[string][]automation.Interval{"mon": {{From: "14:01", To: "15:00"}}}}
	_, err := b.SetBusinessHours(b.ctx, automation.HoursWrite{OrgID: b.org.ID, Hours: hours})
	require.NoError(t, err)
	b.clock.set(at(600))
	b.hears("2", "b", at(59)) // 14:00:59 in Madrid, a Monday
	b.hears("3", "c", at(60))
	require.Equal(t, 1, b.automate())
	found, err := b.Conversation(b.ctx, b.org.ID, c)
	require.NoError(t, err)
	require.Equal(t, []string{"night"}, found.Tags)
	got, err := b.BusinessHours(b.ctx, b.org.ID)
	require.NoError(t, err)
	require.Equal(t, hours, got)
}
