package meta

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Bounds of what the store indexes: PostgreSQL refuses index entries above a
// third of a page, and one such id would make Meta repeat the whole body for
// days.
const (
	maxID       = inbox.MaxProviderID
	maxUserID   = 256
	maxName     = 256 // runes
	maxCallback = 512
	maxDetail   = 500
)

// cutMarker ends a text that was cut.
const cutMarker = " … [cut]"

// finish applies what holds for every product: bounds, error classes, our own
// callback data.
func (p *parser) finish() {
	b := &p.batch
	inbound := b.Inbound[:0]
	for _, in := range b.Inbound {
		in.Text, in.ContextID = cutText(in.Text), boundedID(in.ContextID)
		in.Contact.Name = cut(in.Contact.Name, maxName, "")
		if p.addressable(in.Account, in.ProviderID, in.Contact) {
			inbound = append(inbound, in)
		}
	}
	b.Inbound = inbound
	echoes := b.Echoes[:0]
	for _, echo := range b.Echoes {
		echo.Text = cutText(echo.Text)
		echo.Contact.Name = cut(echo.Contact.Name, maxName, "")
		if p.addressable(echo.Account, echo.ProviderID, echo.Contact) {
			echoes = append(echoes, echo)
		}
	}
	b.Echoes = echoes
	p.finishStatuses()
	if p.more > 0 {
		b.Unusable[maxUnusable-1] = inbox.Unusable{
			Reason: inbox.BadJSON, Detail: fmt.Sprintf("%d more parts could not be used", p.more+1),
		}
	}
}

func (p *parser) finishStatuses() {
	b := &p.batch
	statuses := b.Statuses[:0]
	for _, s := range b.Statuses {
		if len(s.ProviderID) > maxID {
			p.unusable(s.Account, inbox.MissingID, "the id of a status is too long")
			continue
		}
		s.Callback = cut(s.Callback, maxCallback, "")
		if ticket, ok := job.ParseTicket(s.Callback); ok {
			s.JobID, s.Epoch = ticket.ID, ticket.Epoch
		}
		if s.Status == inbox.Failed {
			s.ErrorClass = string(failureClass(s))
			s.ErrorText = redact(s.ErrorText)
		}
		statuses = append(statuses, s)
	}
	b.Statuses = statuses
}

// failureClass returns the class of a failed status. Its errors may be missing,
// and code 0, which means a bad token in an answer, means nothing here.
func failureClass(s inbox.StatusUpdate) job.Class {
	if s.ErrorCode == 0 {
		return job.ClassUnknown
	}
	return lookup(productOf(s.Account.Kind), graphError{code: s.ErrorCode, text: s.ErrorText}).class
}

// addressable reports whether the ids of a message can be stored.
func (p *parser) addressable(account inbox.Account, id string, contact inbox.Contact) bool {
	switch {
	case id == "":
		p.unusable(account, inbox.MissingID, "a message has no id")
	case contact.UserID == "" && contact.WaID == "":
		p.unusable(account, inbox.MissingID, "a message names no contact")
	case len(id) > maxID || len(contact.UserID) > maxUserID:
		p.unusable(account, inbox.MissingID, "an id of a message is too long")
	default:
		return true
	}
	return false
}

func boundedID(id string) string {
	if len(id) > maxID {
		return ""
	}
	return id
}

func cutText(text string) string { return cut(text, inbox.InboundTextRunes, cutMarker) }

// cut returns at most limit runes of text, the marker included, which is put
// at the end only if something is missing.
func cut(text string, limit int, marker string) string {
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return text
	}
	kept := limit - utf8.RuneCountInString(marker)
	for i := range text {
		if kept--; kept < 0 {
			return strings.TrimRight(text[:i], " ") + marker
		}
	}
	return text
}

// short makes a word of Meta's fit for a log line or a metric detail.
func short(word string) string { return cut(word, 64, "…") }
