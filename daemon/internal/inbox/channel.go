package inbox

import "time"

// ChannelKind is the provider product a channel speaks.
type ChannelKind string

// The kinds of channel. AdAccount takes part in no conversation.
const (
	WhatsApp  ChannelKind = "whatsapp"
	Instagram ChannelKind = "instagram"
	AdAccount ChannelKind = "ad_account"
)

// ChannelState says whether a channel can be used.
type ChannelState string

// The states of a channel. Broken means the provider refused it (token expired
// or revoked, number gone); an operator must act.
const (
	ChannelActive ChannelState = "active"
	ChannelPaused ChannelState = "paused"
	ChannelBroken ChannelState = "broken"
)

// Channel is one WhatsApp number, Instagram account or ad account of an org.
// ExternalID is Meta's id (phone_number_id, Instagram account id, ad account
// number) and unique per kind. BusinessID is the WhatsApp business account
// (WABA), empty if not known: then any is accepted.
type Channel struct {
	ID         int64
	OrgID      int64
	Kind       ChannelKind
	ExternalID string
	BusinessID string
	State      ChannelState
	CreatedAt  time.Time

	StateReason    string    // why it is not active; may be empty
	TokenKind      TokenKind // empty: as the kind of channel suggests
	TokenExpiresAt time.Time // zero: never, or not known
}
