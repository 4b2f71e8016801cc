package meta

import (
	"regexp"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// A WhatsApp user has a business-scoped id ("GB.4200…") and, unless it is
// hidden behind a username, a phone number. Since 2026 the number may be
// absent, and the scoped id has been seen where the number belongs, so nothing
// is a number that does not look like one.
var (
	phoneNumber  = regexp.MustCompile(`^\+?[0-9]{5,20}$`)
	scopedUserID = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9]{1,128}$`)
)

// parentMark is part of ids that name a person across businesses: such an id
// is not an address.
const parentMark = ".ENT."

// person is one element of a value's contacts.
type person struct{ userID, waID, name string }

// whatsAppPeople reads the contacts of a value. They only enrich messages, so
// what cannot be read is skipped.
func whatsAppPeople(value object) []person {
	elements, _ := value.list("contacts")
	people := make([]person, 0, len(elements))
	for _, raw := range elements {
		contact, _ := decodeObject(raw)
		c := addressOf(contact.text("wa_id"), contact.text("user_id"))
		people = append(people, person{c.UserID, c.WaID, contact.object("profile").text("name")})
	}
	return people
}

// addressOf sorts an id that should be a number and a scoped id.
func addressOf(number, userID string) inbox.Contact {
	c := inbox.Contact{UserID: userID}
	if strings.Contains(userID, parentMark) {
		c.UserID = ""
	}
	if phoneNumber.MatchString(number) {
		c.WaID = strings.TrimPrefix(number, "+")
	} else if c.UserID == "" && scopedUserID.MatchString(number) {
		c.UserID = number
	}
	return c
}

// whatsAppContact returns who a message is from (or an echo is to), completed
// from the people of the same value.
func whatsAppContact(number, userID string, people []person) inbox.Contact {
	c := addressOf(number, userID)
	for _, p := range people {
		nameless := c.UserID == "" && c.WaID == "" && len(people) == 1
		byUser := c.UserID != "" && p.userID == c.UserID
		byNumber := c.WaID != "" && p.waID == c.WaID
		if !nameless && !byUser && !byNumber {
			continue
		}
		c.Name = p.name
		if c.UserID == "" {
			c.UserID = p.userID
		}
		if c.WaID == "" {
			c.WaID = p.waID
		}
		break
	}
	return c
}

// whatsAppSystem reads a system message: it tells that a customer's number or
// scoped id changed, and is nobody's message.
func (p *parser) whatsAppSystem(account inbox.Account, message object) {
	system := message.object("system")
	now := addressOf(system.text("wa_id"), system.text("user_id"))
	before := addressOf(message.text("from"), system.text("previous_user_id"))
	switch kind := system.text("type"); kind {
	case "user_changed_number", "customer_changed_number":
		if now.WaID == "" {
			now.WaID = addressOf(system.text("new_wa_id"), "").WaID
		}
	case "user_changed_user_id":
		if now.WaID == "" {
			now.WaID = before.WaID
		}
	case "user_identity_changed", "customer_identity_changed":
		p.unusable(account, inbox.Ignored, "system message "+kind)
		return
	default:
		p.unusable(account, inbox.UnknownEvent, "system message of an unknown type")
		return
	}
	if before == (inbox.Contact{}) || now == (inbox.Contact{}) {
		p.unusable(account, inbox.MissingID, "a system message lacks the old or the new id")
		return
	}
	p.batch.Identities = append(p.batch.Identities, inbox.IdentityChange{
		Account: account, OldUserID: before.UserID, UserID: now.UserID, OldWaID: before.WaID, WaID: now.WaID,
		At: message.at("timestamp"),
	})
}
