package metasim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Effect is what a rule does to a send.
type Effect string

// The effects. Authentication errors win over all of them.
const (
	Answer     Effect = "answer"      // with Fixture; accepted only if Accept is set or the fixture is a success
	Delay      Effect = "delay"       // by DelayMS, then as usual
	FailLater  Effect = "fail_later"  // accepted; then a failed status with the error of Fixture (WhatsApp)
	DropAnswer Effect = "drop_answer" // accepted, then the connection is reset without an answer
	CutBody    Effect = "cut_body"    // accepted, then the connection is reset within the answer's body
	CloseEarly Effect = "close_early" // the connection is reset before the body is read; never accepted
	Hang       Effect = "hang"        // no answer until the caller gives up; accepted only if Accept is set
)

// Rule injects trouble into the calls that match all of its set members: sends,
// unless Type says else. At
// most one of Next, Every and Share is set; none means always. A rule that is
// not due lets the next one try; the first that is due wins.
type Rule struct {
	ID int64 `json:"id,string"` // given by the simulator

	Kind            Kind   `json:"kind,omitempty"`
	Type            string `json:"type,omitempty"` // text or template; or what a call that is no send asks for: insights, report, ad_account, renewal, debug_token, me
	Account         string `json:"account,omitempty"`
	RecipientSuffix string `json:"recipient_suffix,omitempty"`
	Template        string `json:"template,omitempty"`

	Next  int     `json:"next,omitempty"`  // the next N matching sends; counts down and then rests
	Every int     `json:"every,omitempty"` // every Nth matching send
	Share float64 `json:"share,omitempty"` // with this probability

	Effect  Effect `json:"effect"`
	Fixture string `json:"fixture,omitempty"`  // e.g. "whatsapp/err_131000_something_went_wrong"
	Accept  bool   `json:"accept,omitempty"`   // for Answer and Hang
	Silent  bool   `json:"silent,omitempty"`   // no status, echo or read follows
	DelayMS int    `json:"delay_ms,omitempty"` // between the decision and the effect

	Used int `json:"used"` // how often it decided
}

// check returns every fault of a rule.
func (r Rule) check(known fixtureSet) error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	effects := []Effect{Answer, Delay, FailLater, DropAnswer, CutBody, CloseEarly, Hang}
	fault(!slices.Contains(effects, r.Effect), "effect %q must be one of %v", r.Effect, effects)
	fault(!slices.Contains([]Kind{"", WhatsApp, Instagram, AdAccount}, r.Kind), "kind %q must be whatsapp, instagram or ad_account", r.Kind)
	types := append(readTypes(), "", typeText, typeTemplate)
	fault(!slices.Contains(types, r.Type), "type %q must be text, template, or one of %v", r.Type, readTypes())
	reads := slices.Contains(readTypes(), r.Type)
	fault(reads && slices.Contains([]Effect{FailLater, CutBody, CloseEarly}, r.Effect), "effect %s is for sends, not for type %s", r.Effect, r.Type)
	fault(r.Next < 0 || r.Every < 0 || r.DelayMS < 0, "next, every and delay_ms must not be negative")
	fault(!(r.Share >= 0 && r.Share <= 1), "share %v must be between 0 and 1", r.Share)
	fault(count(r.Next != 0, r.Every != 0, r.Share != 0) > 1, "set only one of next, every and share")
	fault(r.Effect == Delay && r.DelayMS == 0, "effect delay needs delay_ms")
	fault(r.Effect == CloseEarly && (r.Type != "" || r.RecipientSuffix != "" || r.Template != ""),
		"effect close_early happens before the body is read: it can match kind and account only")
	needs := r.Effect == Answer || r.Effect == FailLater
	fault(r.Effect == FailLater && r.Kind == Instagram, "effect fail_later is for whatsapp: instagram sends no failed status")
	fault(needs && known[r.Fixture] == nil, "effect %s needs the name of a fixture, %q is none: see /sim/fixtures", r.Effect, r.Fixture)
	fault(!needs && r.Fixture != "", "effect %s takes no fixture", r.Effect)
	if f := known[r.Fixture]; f != nil && r.Effect == FailLater {
		fault(f.code == 0, "effect fail_later needs a fixture with an error code, %q has none", r.Fixture)
	}
	return errors.Join(faults...)
}

func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// matches compares everything but the moment.
func (r Rule) matches(l *line, req request) bool {
	return (r.Kind == "" || r.Kind == l.Kind) &&
		(r.Type == "" && !slices.Contains(readTypes(), req.kind) || r.Type == req.kind) && // without a type it is about sends
		(r.Account == "" || r.Account == l.ID) &&
		(r.Template == "" || r.Template == req.template) &&
		strings.HasSuffix(req.recipient, r.RecipientSuffix)
}
