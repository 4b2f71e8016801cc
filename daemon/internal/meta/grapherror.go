package meta

import (
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// graphError is Meta's error object, read defensively: the code may be a
// string, error_data may be a string, everything may be missing.
type graphError struct {
	code, subcode int
	text          string // message and details
	transient     bool
}

// graphErrorOf reads the error of an answer; found is false if the body is
// empty, no JSON, or has no error with a code.
func graphErrorOf(answer object) (e graphError, found bool) {
	o := answer.object("error")
	code, found := o.whole("code")
	if !found {
		return graphError{}, false
	}
	subcode, _ := o.whole("error_subcode")
	details := o.object("error_data").text("details")
	if details == "" {
		details = o.text("error_data")
	}
	return graphError{
		code: code, subcode: subcode, transient: o.flag("is_transient"),
		text: strings.TrimSuffix(o.text("message")+": "+details, ": "),
	}, true
}

// lookup returns the rule for an error. An unknown code is transient if Meta
// says so, and else ClassUnknown.
func lookup(product Product, e graphError) rule {
	text := strings.ToLower(e.text)
	for _, r := range table() {
		inRange := e.code == r.code || r.upto != 0 && e.code >= r.code && e.code <= r.upto
		if inRange && r.products&product != 0 &&
			(r.subcode == 0 || r.subcode == e.subcode) && strings.Contains(text, r.text) {
			return r
		}
	}
	if e.transient {
		return rule{code: e.code, class: job.ClassTransient}
	}
	return rule{code: e.code, class: job.ClassUnknown}
}

// productOf returns the product that carries a channel's messages.
func productOf(kind inbox.ChannelKind) Product {
	switch kind {
	case inbox.WhatsApp:
		return WhatsApp
	case inbox.Instagram:
		return Instagram
	default:
		return Marketing
	}
}
