package meta

import (
	"fmt"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// testEntry is the entry id of the App Dashboard's test button.
const testEntry = "0"

// instagramEntry reads one entry of an Instagram webhook: events of one
// account.
func (p *parser) instagramEntry(entry object) {
	account := inbox.Account{Kind: inbox.Instagram, ExternalID: entry.text("id")}
	if entry.raw("messaging") == nil && entry.raw("standby") == nil && entry.raw("changes") == nil {
		p.unusable(account, inbox.UnknownEvent, "an entry holds no messaging, standby or changes")
	}
	read := func(standby bool) func(object) {
		return func(o object) {
			p.instagramEvent(&instagramEvent{object: o, account: account, standby: standby, entryAt: entry.at("time")})
		}
	}
	p.each(account, entry, "messaging", read(false))
	p.each(account, entry, "standby", read(true))
	p.each(account, entry, "changes", func(change object) {
		switch field := change.text("field"); {
		case account.ExternalID == testEntry:
			p.unusable(account, inbox.Ignored, "test of the App Dashboard")
		case instagramMessaging(field):
			read(false)(change.object("value"))
		case instagramIgnored(field):
			p.unusable(account, inbox.Ignored, "field "+field)
		default:
			p.unusable(account, inbox.UnknownField, fmt.Sprintf("field %q is not known", short(field)))
		}
	})
}

// instagramMessaging reports whether a change's value is a messaging event.
func instagramMessaging(field string) bool {
	switch field {
	case "messages", "messaging_postbacks", "messaging_seen", "message_reactions", "messaging_referral", "message_edit":
		return true
	}
	return false
}

// instagramIgnored reports whether a field is known and no direct message.
func instagramIgnored(field string) bool {
	switch field {
	case "comments", "live_comments", "mentions", "story_insights", "messaging_handover", "messaging_optins":
		return true
	}
	return false
}

// instagramEvent is one element of messaging or standby.
type instagramEvent struct {
	object
	account inbox.Account
	standby bool
	entryAt time.Time
}

// time returns the event's time, or else the entry's.
func (e *instagramEvent) time() time.Time {
	if at := e.at("timestamp"); !at.IsZero() {
		return at
	}
	return e.entryAt
}

func (e *instagramEvent) sender() string    { return e.object.object("sender").text("id") }
func (e *instagramEvent) recipient() string { return e.object.object("recipient").text("id") }

// ours reports whether the account itself did this.
func (e *instagramEvent) ours() bool { return e.sender() != "" && e.sender() == e.account.ExternalID }

func (p *parser) instagramEvent(e *instagramEvent) {
	for _, kind := range []string{"message", "postback", "reaction", "read", "message_edit", "referral"} {
		if body := e.object.object(kind); body != nil {
			p.instagramKind(kind, e, body)
			return
		}
	}
	for _, kind := range []string{
		"delivery", "optin", "account_linking", "pass_thread_control", "take_thread_control",
		"request_thread_control", "app_roles", "policy_enforcement",
	} {
		if e.raw(kind) != nil {
			p.unusable(e.account, inbox.Ignored, "event "+kind)
			return
		}
	}
	p.unusable(e.account, inbox.UnknownEvent, "a messaging event of an unknown kind")
}

func (p *parser) instagramKind(kind string, e *instagramEvent, body object) {
	switch {
	case kind == "message":
		p.instagramMessage(e, body)
	case e.ours():
		// What the owner did in the app other than writing: no answer.
		p.unusable(e.account, inbox.Ignored, "own "+kind)
	case kind == "read":
		p.instagramRead(e, body)
	default:
		p.instagramAction(kind, e, body)
	}
}

func (p *parser) instagramMessage(e *instagramEvent, body object) {
	id, echo := body.text("mid"), body.flag("is_echo") || e.ours()
	c := instagramContent(body)
	switch {
	case body.flag("is_self"), e.ours() && e.recipient() == e.sender():
		p.unusable(e.account, inbox.Ignored, "message to oneself")
	case body.flag("is_deleted"):
		p.revoke(e.account, id, e.object)
	case echo:
		p.batch.Echoes = append(p.batch.Echoes, inbox.Echo{
			Account: e.account, ProviderID: id, Contact: inbox.Contact{UserID: e.recipient()},
			Kind: c.kind, Text: c.text, Payload: c.payload.encode(), At: e.time(),
		})
	default:
		p.instagramInbound(e, id, c)
	}
}

func (p *parser) instagramInbound(e *instagramEvent, id string, c content) {
	p.batch.Inbound = append(p.batch.Inbound, inbox.Inbound{
		Account: e.account, ProviderID: id, Contact: inbox.Contact{UserID: e.sender()},
		Kind: c.kind, Text: c.text, Payload: c.payload.encode(), ContextID: c.contextID,
		At: e.time(), Standby: e.standby,
	})
}

func (p *parser) instagramRead(e *instagramEvent, body object) {
	id := body.text("mid")
	if id == "" || len(id) > maxID || e.sender() == "" || len(e.sender()) > maxUserID {
		p.unusable(e.account, inbox.MissingID, "a read mark names no message or no contact")
		return
	}
	p.batch.Reads = append(p.batch.Reads, inbox.ReadMark{
		Account: e.account, ProviderID: id, Contact: inbox.Contact{UserID: e.sender()}, At: e.time(),
	})
}

// instagramAction reads what a customer did other than writing a message.
func (p *parser) instagramAction(kind string, e *instagramEvent, body object) {
	c := content{payload: payload{}}
	id := ""
	switch kind {
	case "postback":
		id = body.text("mid")
		c.kind, c.text = inbox.KindPostback, body.text("title")
		c.payload.put("postback", pick(body, "payload", "title"))
		c.payload.put("referral", body.raw("referral"))
	case "reaction":
		c.kind, c.text, c.contextID = inbox.KindReaction, body.text("emoji"), body.text("mid")
		c.payload.put("reaction", reaction(body.text("emoji"), body.text("reaction"), body.text("action") == "unreact"))
	case "message_edit":
		c.kind, c.text, c.contextID = inbox.KindEdit, body.text("text"), body.text("mid")
	case "referral":
		c.kind = inbox.KindReferral
		c.payload.put("referral", e.raw(kind))
	}
	if id == "" {
		id = madeID(e, kind)
	}
	p.instagramInbound(e, id, c)
}
