package job

import "time"

// Action is what a limit counts, per org.
type Action string

// The limited actions.
const (
	ActionSendText     Action = "send_text" // WhatsApp and Instagram together
	ActionSendTemplate Action = "send_template"
	ActionRetry        Action = "retry"
	ActionAssign       Action = "assign"
)

// Actions lists every limited action in the order operators see them.
func Actions() []Action {
	return []Action{ActionSendText, ActionSendTemplate, ActionRetry, ActionAssign}
}

// Rate is at most N in any rolling Window. N 0 forbids the action.
type Rate struct {
	N      int
	Window time.Duration
}

// DefaultRate is the limit of an org that has none of its own.
func DefaultRate(a Action) Rate {
	switch a {
	case ActionSendTemplate:
		return Rate{20, time.Minute}
	case ActionRetry:
		return Rate{10, time.Minute}
	case ActionAssign:
		return Rate{100, time.Minute}
	case ActionSendText:
	}
	return Rate{60, time.Minute}
}

// Action returns what a job of this type counts against when it leaves for the
// provider; false: it is not limited.
func (t Type) Action() (Action, bool) {
	switch t {
	case SendMessage:
		return ActionSendText, true
	case SendTemplate:
		return ActionSendTemplate, true
	case RunAutomation, SyncSpend, RefreshToken:
	}
	return "", false
}

// BulkShare is the part of a limit that bulk work may use, in percent: an
// agent's reply finds a token even behind a campaign.
const BulkShare = 80

// Background reports whether the queue's jobs run in slots of their own, so
// that long reads never stand in the way of messages.
func (q Queue) Background() bool { return q == MetaSpend || q == TokenRefresh || q == Automations }

// BackgroundSlots returns how many background jobs a process with so many slots
// for sends runs at once.
func BackgroundSlots(slots int) int {
	if slots <= 0 {
		return 0
	}
	return max(2, slots/4)
}

// aloneShare and crowdShare are how much of all slots, in percent, one org may
// have under way. Alone it leaves a fifth free for a newcomer, who would
// otherwise wait for a whole job to end; a few share what one may have alone; in
// a crowd each may have a quarter, so that a few slow orgs cannot fill all slots.
const (
	aloneShare = 80
	crowdShare = 25
)

// OrgShare returns how many of the slots one org may fill where so many orgs want
// some.
func OrgShare(slots, crowd int) int {
	return max(1, slots*max(crowdShare, aloneShare/max(1, crowd))/100)
}

// BulkMost is the part of a limit that bulk work may use: of a small one at least
// one.
func BulkMost(n int) int {
	if n == 0 {
		return 0
	}
	return max(1, n*BulkShare/100)
}

// Want asks for up to N tokens of one org's action, for a claim. Most is how
// many of the window this class of work may use: Rate.N, or its BulkShare.
type Want struct {
	OrgID  int64
	Action Action
	Rate   Rate
	Most   int
	N      int
}

// Grant answers a Want: N tokens (0..Want.N), all stamped alike so that unused
// ones can be returned. RetryAfter is exactly when this Want would be granted
// one more; zero: at once.
type Grant struct {
	N          int
	Stamp      int64
	RetryAfter time.Duration
}

// Passage is one message about to leave: by which number or account, to whom.
type Passage struct {
	Queue     Queue
	ChannelID int64 // 0: not paced
	Pair      int64 // conversation; 0: not paced
}

// Clearance answers a Passage. Both zero: it may leave now, and has been
// counted; else nothing was counted and the longer one is when to ask again.
type Clearance struct {
	ChannelWait, PairWait time.Duration
}

// Cooldown asks to leave something alone that the provider has throttled.
type Cooldown struct {
	Scope      Scope
	Queue      Queue
	ChannelID  int64
	Class      Class
	Code       int
	RetryAfter time.Duration // the provider's wish; 0: ours
}

// Span names the starts of one org's action within the last Window.
type Span struct {
	OrgID  int64
	Action Action
	Window time.Duration
}
