package meta

import (
	"encoding/json"
	"fmt"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// MaxBody is the largest webhook body that is read, in bytes. Meta promises at
// most 3 MB.
const MaxBody = 4 << 20

// Parse reads a webhook body whose signature has been verified. It never
// fails and knows no clock: the same body gives the same batch. What cannot be
// used is named in Unusable and does not hurt its neighbours; every string in
// the batch is valid UTF-8 without NUL, and every payload is JSON that
// PostgreSQL's jsonb accepts. Times Meta did not send are zero.
func Parse(body []byte) inbox.Batch {
	var p parser
	p.body(body)
	p.finish()
	return p.batch
}

// parser collects one webhook's batch.
type parser struct {
	batch inbox.Batch
	more  int // unusable parts beyond maxUnusable
}

// maxUnusable bounds what one hostile body can make us store.
const maxUnusable = 100

// unusable sets a part aside. The detail may name fields and types, never
// message text or a phone number.
func (p *parser) unusable(account inbox.Account, reason inbox.UnusableReason, detail string) {
	if len(p.batch.Unusable) == maxUnusable {
		p.more++
		return
	}
	p.batch.Unusable = append(p.batch.Unusable, inbox.Unusable{Account: account, Reason: reason, Detail: detail})
}

func (p *parser) body(body []byte) {
	if len(body) > MaxBody {
		p.unusable(inbox.Account{}, inbox.BadJSON, fmt.Sprintf("body is larger than %d bytes", MaxBody))
		return
	}
	cleaned, err := clean(body)
	if err != nil {
		p.unusable(inbox.Account{}, inbox.BadJSON, err.Error())
		return
	}
	if cleaned.cut {
		p.unusable(inbox.Account{}, inbox.BadJSON, fmt.Sprintf("nested deeper than %d levels: cut there", maxDepth))
	}
	if cleaned.twice {
		p.unusable(inbox.Account{}, inbox.BadJSON, "a member of the body comes twice: the last one was used")
	}
	p.root(cleaned.out)
}

func (p *parser) root(body json.RawMessage) {
	root, ok := decodeObject(body)
	if !ok {
		p.unusable(inbox.Account{}, inbox.BadJSON, "body is not an object")
		return
	}
	var entry func(object)
	var kind inbox.ChannelKind
	switch name := root.text("object"); name {
	case "whatsapp_business_account":
		kind, entry = inbox.WhatsApp, p.whatsAppEntry
	case "instagram":
		kind, entry = inbox.Instagram, p.instagramEntry
	default:
		p.unusable(inbox.Account{}, inbox.UnknownObject, fmt.Sprintf("object %q is not known", short(name)))
		return
	}
	p.each(inbox.Account{Kind: kind}, root, "entry", entry)
}

// each calls f with every object of a list member. Other elements, and a member
// that is no list, are set aside.
func (p *parser) each(account inbox.Account, o object, key string, f func(object)) {
	elements, ok := o.list(key)
	if !ok {
		p.unusable(account, inbox.BadJSON, key+" is not an array")
		return
	}
	for _, raw := range elements {
		element, ok := decodeObject(raw)
		if !ok {
			p.unusable(account, inbox.BadJSON, "an element of "+key+" is not an object")
			continue
		}
		f(element)
	}
}

// notice keeps an account-level event.
func (p *parser) notice(n inbox.Notice) { p.batch.Notices = append(p.batch.Notices, n) }
