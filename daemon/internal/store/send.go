package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// thread is what a send must know of its conversation, whose row it holds.
type thread struct {
	found         bool
	id, channelID int64
	lastInboundAt time.Time
	kind          inbox.ChannelKind
	state         inbox.ChannelState
	restriction   inbox.Restriction // of the template to send
}

const threadSQL = `
SELECT v.id, v.channel_id, v.last_inbound_at, h.kind, h.state FROM conversations v JOIN channels h ON h.id = v.channel_id
WHERE v.org_id = $2 AND ` + onceFree + ` AND v.id = `

// queue locks the conversation chosen by the rest of the statement ($1) and
// looks at its channel.
func (t *thread) queue(b *pgx.Batch, which string, id, orgID int64) {
	b.Queue(threadSQL+which+` FOR NO KEY UPDATE OF v`, id, orgID).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&t.id, &t.channelID, orZero(&t.lastInboundAt), &t.kind, &t.state}, func() error {
			t.found = true
			return nil
		})
		return err
	})
}

// check says why a message of this kind cannot be sent at now, if so. On a
// paused channel it is accepted and waits, as under any pause; on a broken one
// it would wait for nobody knows what.
func (t *thread) check(kind inbox.MessageKind, now time.Time) error {
	switch {
	case t.state == inbox.ChannelBroken:
		return inbox.Faultf(inbox.Conflict, "channel_not_active", "the conversation's channel is broken: nothing can be sent until an operator repairs it")
	case kind == inbox.KindTemplate && t.kind != inbox.WhatsApp:
		return inbox.Faultf(inbox.Unprocessable, "templates_not_supported", "%s has no templates: send text within 24 hours of the customer's last message", t.kind)
	case kind == inbox.KindTemplate || inbox.WindowOpen(t.lastInboundAt, now):
		return nil
	case t.kind == inbox.WhatsApp:
		return inbox.Faultf(inbox.Conflict, "window_closed", "the customer's last message is more than 24 hours old: send a template instead")
	}
	return inbox.Faultf(inbox.Conflict, "window_closed", "the customer's last message is more than 24 hours old: wait until they write again")
}

// outbound is a message to be accepted for sending.
type outbound struct {
	orgID, userID, conversationID int64
	kind                          inbox.MessageKind
	text                          string
	payload                       []byte
	automated                     bool // by a rule of the org
	once                          inbox.Once
}

// Reply accepts a text message by an agent: when it returns, the message and
// its job are durable. Faults: NotFound for the conversation, Invalid for the
// text, Conflict for a closed window or a broken channel.
func (s *Store) Reply(ctx context.Context, r inbox.Reply) (inbox.Receipt, error) {
	return s.accept(ctx, outbound{
		orgID: r.OrgID, userID: r.UserID, conversationID: r.ConversationID, kind: inbox.KindText, text: r.Text, once: r.Once,
	})
}

// SendTemplate accepts a WhatsApp template, in bulk if no user sends it. Faults
// as Reply, and Unprocessable on Instagram.
func (s *Store) SendTemplate(ctx context.Context, t inbox.TemplateSend) (inbox.Receipt, error) {
	payload, err := templatePayload(t.Template)
	if err != nil {
		return inbox.Receipt{}, err
	}
	return s.accept(ctx, outbound{
		orgID: t.OrgID, userID: t.UserID, conversationID: t.ConversationID, kind: inbox.KindTemplate, payload: payload, once: t.Once,
	})
}

// storedTemplate is the payload of a template message: components stay the
// JSON the caller gave.
type storedTemplate struct {
	Name       string          `json:"name"`
	Language   string          `json:"language"`
	Components json.RawMessage `json:"components,omitempty"`
}

func templatePayload(t inbox.Template) ([]byte, error) {
	if t.Name == "" || t.Language == "" {
		return nil, inbox.Faultf(inbox.Invalid, "bad_template", "a template needs its name and its language")
	}
	stored := storedTemplate{Name: inbox.Clean(t.Name), Language: inbox.Clean(t.Language)}
	if len(t.Components) > 0 {
		stored.Components = storableJSON(t.Components)
		if stored.Components == nil {
			return nil, inbox.Faultf(inbox.Invalid, "bad_template", "the template's components are not a JSON array")
		}
	}
	return json.Marshal(stored)
}

// accept takes a message with others that come at the same time, or alone if one
// of them is in the way.
func (s *Store) accept(ctx context.Context, o outbound) (inbox.Receipt, error) {
	ctx = Named(ctx, QuerySend)
	a, err := newAcceptance(ctx, o)
	if err == nil {
		err = s.sends.do(ctx, a)
	}
	if err == nil {
		err = a.fault
	}
	if err != nil {
		return inbox.Receipt{}, fmt.Errorf("accept message for conversation %d: %w", o.conversationID, err)
	}
	if a.accepted {
		a.span.End()
		s.jobs.Wake(queueOf(a.thread.kind))
	}
	return a.receipt, nil
}

func (o outbound) check(t thread, now time.Time) error {
	if !t.found {
		return conversationNotFound(o.conversationID)
	}
	if o.kind == inbox.KindText {
		if err := inbox.CheckText(t.kind, o.text); err != nil {
			return err
		}
	}
	if err := t.check(o.kind, now); err != nil {
		return err
	}
	return refusal(t.restriction, o.userID)
}

// origin: what a program sends with the org's own token is the API's.
func (o outbound) origin() inbox.Origin {
	switch {
	case o.automated:
		return inbox.OriginAutomation
	case o.userID != 0:
		return inbox.OriginUser
	}
	return inbox.OriginAPI
}

func (o outbound) job(t thread, messageID int64) job.New {
	return sending{
		id: messageID, orgID: o.orgID, conversationID: o.conversationID, authorID: o.userID, channelID: t.channelID, channel: t.kind, kind: o.kind, origin: o.origin(),
	}.job()
}
