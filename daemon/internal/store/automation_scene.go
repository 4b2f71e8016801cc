package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// scene is what rules must know of a message and its conversation, whose row it
// holds, and what they are going to change.
type scene struct {
	now        time.Time
	orgID      int64
	thread     thread
	messageID  int64
	clockAt    time.Time
	text       string
	button     string // payload of the button the customer pressed
	first      bool   // no message before it
	waiting    bool   // its clock runs, and no human has pressed send
	hours      automation.Hours
	assigneeID int64
	tags       []string
	recent     int // messages of automations of late
	rules      []automation.Rule
	sends      []*plannedSend
}

// sceneSQL reads a message that starts or joins a clock. The conversation's row
// is locked in the statement before: what is read here is how it is. A human's
// message counts as an answer as soon as it is on its way.
const sceneSQL = `
SELECT v.id, v.channel_id, v.last_inbound_at, h.kind, h.state, coalesce(v.assignee_id, 0), v.tags, o.time_zone, o.business_hours,
       m.clock_at, m.body, coalesce(m.payload #>> '{button,payload}', m.payload #>> '{interactive,id}', m.payload #>> '{postback,payload}', ''),
       (SELECT f.id FROM messages f
        WHERE f.conversation_id = m.conversation_id AND f.inbound AND f.clock_at IS NOT NULL AND f.id < m.id LIMIT 1) IS NULL,
       v.state = 'open' AND EXISTS (
         SELECT 1 FROM episodes e WHERE e.conversation_id = m.conversation_id AND e.answered_at IS NULL AND e.started_at = m.clock_at)
       AND (SELECT a.id FROM messages a
            WHERE a.conversation_id = m.conversation_id AND NOT a.inbound AND a.clock_at >= m.clock_at AND a.status <> 5 LIMIT 1) IS NULL,
       (SELECT coalesce(sum(x.sent), 0) FROM automation_runs x WHERE x.conversation_id = m.conversation_id AND x.sent > 0 AND x.ran_at > $3)
FROM messages m
JOIN conversations v ON v.id = m.conversation_id
JOIN channels h ON h.id = v.channel_id
JOIN orgs o ON o.id = v.org_id
WHERE m.id = $1 AND m.org_id = $2 AND m.inbound AND m.clock_at IS NOT NULL`

// look locks the conversation of a message and reads the scene. Rules that ran
// for this message are left out.
func (s *Store) look(ctx context.Context, u *unit, q automation.Request) (*scene, error) {
	sc := &scene{now: s.now(), orgID: q.OrgID, messageID: q.MessageID}
	b := u.batch()
	b.Queue(`
SELECT v.id FROM conversations v
WHERE v.org_id = $2 AND v.id = (SELECT m.conversation_id FROM messages m WHERE m.id = $1 AND m.org_id = $2)
FOR NO KEY UPDATE OF v`, q.MessageID, q.OrgID)
	b.Queue(sceneSQL, q.MessageID, q.OrgID, sc.now.Add(-automation.SendWindow)).Query(sc.read)
	b.Queue(`
SELECT `+ruleColumns+` FROM automations r
WHERE r.org_id = $2 AND r.enabled AND r.wait_minutes = $3
  AND NOT EXISTS (SELECT 1 FROM automation_runs x WHERE x.message_id = $1 AND x.rule_id = r.id)
ORDER BY r.id`, q.MessageID, q.OrgID, q.Minutes).Query(func(rows pgx.Rows) (err error) {
		sc.rules, err = pgx.CollectRows(rows, scanRule)
		return err
	})
	if err := u.send(ctx, b); err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	if !sc.thread.found {
		return nil, messageNotFound(q.MessageID)
	}
	return sc, nil
}

func (sc *scene) read(rows pgx.Rows) error {
	t := &sc.thread
	_, err := pgx.ForEachRow(rows, []any{
		&t.id, &t.channelID, orZero(&t.lastInboundAt), &t.kind, &t.state, &sc.assigneeID, &sc.tags, &sc.hours.TimeZone, &sc.hours.Days,
		&sc.clockAt, &sc.text, &sc.button, &sc.first, &sc.waiting, &sc.recent,
	}, func() error {
		t.found = true
		return nil
	})
	return err
}

// event is the scene as rules see it; false if a timer has nothing to wait for
// any more: somebody has answered, the conversation is resolved, or the clock
// turned out to have started with an earlier message, which has its own timer.
func (sc *scene) event(q automation.Request) (automation.Event, bool) {
	return automation.Event{
		Channel: sc.thread.kind, Open: sc.hours.Open(sc.clockAt), Words: automation.WordsOf(sc.text, sc.button), First: sc.first,
		Unanswered: q.Minutes, Assigned: sc.assigneeID != 0,
	}, q.Minutes == 0 || sc.waiting
}

// outboundOf is the message an action sends.
func outboundOf(a automation.Action, sc *scene) (outbound, error) {
	o := outbound{orgID: sc.orgID, conversationID: sc.thread.id, automated: true, kind: inbox.KindText, text: a.Text}
	if a.Type == automation.SendTemplate && a.Template != nil {
		var err error
		o.kind, o.text = inbox.KindTemplate, ""
		o.payload, err = templatePayload(inbox.Template{Name: a.Template.Name, Language: a.Template.Language, Components: a.Template.Components})
		return o, err
	}
	return o, nil
}
