package meta

import (
	"encoding/json"
	"fmt"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// whatsAppEntry reads one entry of a WhatsApp webhook: the changes of one
// business account (WABA).
func (p *parser) whatsAppEntry(entry object) {
	waba := inbox.Account{Kind: inbox.WhatsApp, BusinessID: entry.text("id")}
	p.each(waba, entry, "changes", func(change object) {
		value := change.object("value")
		account := waba
		account.ExternalID = value.object("metadata").text("phone_number_id")
		switch field := change.text("field"); {
		case field == "messages":
			p.whatsAppMessages(account, value)
		case field == "smb_message_echoes":
			p.whatsAppEchoes(account, value)
		case whatsAppNotice(field):
			p.notice(inbox.Notice{
				Account: account, Field: field, Detail: noticeDetail(change.raw("value")), At: entry.at("time"),
				Restrictions: restrictionsOf(field, change.object("value"), entry.at("time")),
			})
		case whatsAppIgnored(field):
			p.unusable(account, inbox.Ignored, "field "+field)
		default:
			p.unusable(account, inbox.UnknownField, fmt.Sprintf("field %q is not known", short(field)))
		}
	})
}

// whatsAppNotice reports whether a field tells of the account or its templates
// (meta.com, webhook reference of the WhatsApp business account).
func whatsAppNotice(field string) bool {
	switch field {
	case "account_update", "account_alerts", "account_review_update", "account_settings_update",
		"business_capability_update", "business_status_update", "security",
		"message_template_status_update", "message_template_quality_update",
		"message_template_components_update", "template_category_update",
		"phone_number_quality_update", "phone_number_name_update",
		"payment_configuration_update", "user_preferences", "flows":
		return true
	}
	return false
}

// whatsAppIgnored reports whether a field is known and of no use to an inbox.
func whatsAppIgnored(field string) bool {
	switch field {
	case "history", "smb_app_state_sync", "calls", "tracking_events", "automatic_events",
		"partner_solutions", "group_lifecycle_update", "group_participants_update",
		"group_settings_update", "group_status_update":
		return true
	}
	return false
}

// whatsAppMessages reads the value of a "messages" change: messages, statuses
// and errors, each on its own.
func (p *parser) whatsAppMessages(account inbox.Account, value object) {
	if account.ExternalID == "" {
		p.unusable(account, inbox.MissingID, "a change has no metadata.phone_number_id")
		return
	}
	people := whatsAppPeople(value)
	p.each(account, value, "messages", func(message object) { p.whatsAppMessage(account, people, message) })
	p.each(account, value, "statuses", func(status object) { p.whatsAppStatus(account, status) })
	if errs, ok := value.list("errors"); ok && len(errs) > 0 {
		p.notice(inbox.Notice{Account: account, Field: "errors", Detail: payload{"errors": errs}.encode()})
	}
	if value.raw("messages") == nil && value.raw("statuses") == nil && value.raw("errors") == nil {
		p.unusable(account, inbox.UnknownEvent, "a change holds no messages, statuses or errors")
	}
}

func (p *parser) whatsAppMessage(account inbox.Account, people []person, message object) {
	switch kind := message.text("type"); {
	case message.text("group_id") != "":
		p.unusable(account, inbox.Ignored, "group message")
	case kind == "system":
		p.whatsAppSystem(account, message)
	case kind == "revoke":
		p.whatsAppRevoke(account, message)
	default:
		c := whatsAppContent(message)
		p.batch.Inbound = append(p.batch.Inbound, inbox.Inbound{
			Account: account, ProviderID: message.text("id"),
			Contact: whatsAppContact(message.text("from"), message.text("from_user_id"), people),
			Kind:    c.kind, Text: c.text, Payload: c.payload.encode(), ContextID: c.contextID,
			At: message.at("timestamp"),
		})
	}
}

// whatsAppEchoes reads what the owner of a number typed in the phone app.
func (p *parser) whatsAppEchoes(account inbox.Account, value object) {
	people := whatsAppPeople(value)
	p.each(account, value, "message_echoes", func(message object) {
		c := whatsAppContent(message)
		switch kind := message.text("type"); {
		case kind == "revoke":
			p.whatsAppRevoke(account, message)
		case kind == "system", c.kind == inbox.KindReaction, c.kind == inbox.KindEdit:
			// None of these is an answer, and an echo stops the SLA clock.
			p.unusable(account, inbox.Ignored, "echo of a "+kind)
		default:
			p.batch.Echoes = append(p.batch.Echoes, inbox.Echo{
				Account: account, ProviderID: message.text("id"),
				Contact: whatsAppContact(message.text("to"), message.text("to_user_id"), people),
				Kind:    c.kind, Text: c.text, Payload: c.payload.encode(), At: message.at("timestamp"),
			})
		}
	})
}

func (p *parser) whatsAppRevoke(account inbox.Account, message object) {
	p.revoke(account, message.object("revoke").text("original_message_id"), message)
}

func (p *parser) revoke(account inbox.Account, id string, event object) {
	if id == "" || len(id) > maxID {
		p.unusable(account, inbox.MissingID, "a revoke names no message")
		return
	}
	p.batch.Revokes = append(p.batch.Revokes, inbox.Revoke{Account: account, ProviderID: id, At: event.at("timestamp")})
}

// noticeDetail keeps the value of an account-level change as it came; empty if
// it is no object or too large.
func noticeDetail(value json.RawMessage) []byte {
	if _, ok := decodeObject(value); !ok || len(value) > maxPayload {
		return []byte("{}")
	}
	return value
}
