package admin

import "time"

// Org is a tenant. Paused means that all its queues but token_refresh are held;
// Holds counts all holds that name it, and is null if not known. So are Ready, Dead
// and Uncertain, which count jobs; OldestReadyMS is null also if none is ready.
type Org struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Paused       bool      `json:"paused"`
	Holds        *int      `json:"holds"`
	TimeZone     string    `json:"time_zone"`
	SLATargetMS  int64     `json:"sla_target_ms"`
	SLAObjective float64   `json:"sla_objective"`
	CreatedAt    time.Time `json:"created_at"`

	Ready         *int64 `json:"ready"`
	OldestReadyMS *int64 `json:"oldest_ready_ms"`
	Dead          *int64 `json:"dead"`
	Uncertain     *int64 `json:"uncertain"`
}

// Orders of orgs: the worst first, by name, or the most of something first.
const (
	OrgSortWorst     = "worst"
	OrgSortName      = "name"
	OrgSortReady     = "ready"
	OrgSortOldest    = "oldest"
	OrgSortDead      = "dead"
	OrgSortUncertain = "uncertain"
)

// OrgSorts lists the orders of orgs.
func OrgSorts() []string {
	return []string{OrgSortWorst, OrgSortName, OrgSortReady, OrgSortOldest, OrgSortDead, OrgSortUncertain}
}

// OrgAdd asks for a new org. TimeZone is an IANA name, empty: UTC. SLATargetMS
// 0 means 300000, SLAObjective 0 means 0.8.
type OrgAdd struct {
	Name         string  `json:"name"`
	TimeZone     string  `json:"time_zone,omitempty"`
	SLATargetMS  int64   `json:"sla_target_ms,omitempty"`
	SLAObjective float64 `json:"sla_objective,omitempty"`
	Reason       string  `json:"reason,omitempty"`
}

// User is an agent of an org.
type User struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Org       string    `json:"org"`
	CreatedAt time.Time `json:"created_at"`
}

// UserAdd asks for a new user.
type UserAdd struct {
	Name   string `json:"name"`
	Org    string `json:"org"`
	Reason string `json:"reason,omitempty"`
}

// Channel is a WhatsApp number, Instagram account or ad account of an org.
// ExternalID is Meta's id of it, BusinessID of the business account around it.
type Channel struct {
	ID         string    `json:"id"`
	Org        string    `json:"org"`
	Kind       string    `json:"kind"`
	ExternalID string    `json:"external_id"`
	BusinessID *string   `json:"business_id"`
	State      string    `json:"state"`
	CreatedAt  time.Time `json:"created_at"`

	StateReason    *string    `json:"state_reason"`     // why it is not active
	TokenKind      *string    `json:"token_kind"`       // how Meta's token lives: instagram_long, facebook_long, system_user, page, unknown
	TokenExpiresAt *time.Time `json:"token_expires_at"` // null: never, or not known
}

// ChannelKinds lists the kinds of channel.
func ChannelKinds() []string { return []string{"whatsapp", "instagram", "ad_account"} }

// ChannelAdd asks for a new channel. Token is Meta's access token; it is sealed
// on arrival and never shown again.
type ChannelAdd struct {
	Org        string `json:"org"`
	Kind       string `json:"kind"`
	ExternalID string `json:"external_id"`
	BusinessID string `json:"business_id,omitempty"`
	Token      string `json:"token"`
	Reason     string `json:"reason,omitempty"`

	TokenKind      string     `json:"token_kind,omitempty"`       // if known
	TokenExpiresAt *time.Time `json:"token_expires_at,omitempty"` // if known

	NoCheck bool `json:"no_check,omitempty"` // Meta is not asked whether the token is good
}

// Token is a new credential. Role is null for an API token. Token is the secret
// itself: it is shown once, only its digest is stored.
type Token struct {
	ID        string     `json:"id"`
	Org       *string    `json:"org"`
	User      *string    `json:"user"`
	Role      *Role      `json:"role"`
	ExpiresAt *time.Time `json:"expires_at"`
	CreatedAt time.Time  `json:"created_at"`
	Token     string     `json:"token"`
}

// TokenCreate asks for a new credential: without Role an API token of Org,
// perhaps for one User; with Role an admin token, for all orgs if Org is empty.
// ExpiresInMS 0 means never for an API token and 90 days, the longest, for an
// admin token.
type TokenCreate struct {
	Org         string `json:"org,omitempty"`
	User        string `json:"user,omitempty"`
	Role        Role   `json:"role,omitempty"`
	ExpiresInMS int64  `json:"expires_in_ms,omitempty"`
	Reason      string `json:"reason,omitempty"`
}
