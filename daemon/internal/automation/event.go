package automation

import "github.com/bandeja/inboxd/daemon/internal/inbox"

// Event is a message, and its conversation, as rules see them.
type Event struct {
	Channel    inbox.ChannelKind
	Words      Words // of its text and of a button's payload
	First      bool  // no message before it in the conversation
	Unanswered int   // minutes a timer has waited in vain; 0: not a timer's event
	Assigned   bool
	Open       bool // the message came within business hours
}

// Matches reports whether the event sets the rule off and its conditions hold.
func (r Rule) Matches(e Event) bool {
	return r.Enabled && r.Trigger.fires(e) && r.Conditions.hold(e)
}

func (t Trigger) fires(e Event) bool {
	if (t.Type == NoAnswer) != (e.Unanswered > 0) {
		return false // messages set no timers' rules off, and the other way round
	}
	switch t.Type {
	case FirstMessage:
		return e.First
	case Keyword:
		return e.Words.HoldAny(t.Keywords)
	case NoAnswer:
		return t.Minutes == e.Unanswered
	case OutsideHours:
		return !e.Open
	}
	return false
}

func (c Conditions) hold(e Event) bool {
	switch {
	case c.Channel != "" && c.Channel != e.Channel,
		c.Hours == WhenOpen && !e.Open,
		c.Hours == WhenClosed && e.Open,
		c.Assigned != nil && *c.Assigned != e.Assigned:
		return false
	}
	return true
}
