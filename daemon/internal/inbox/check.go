package inbox

import (
	"regexp"
	"slices"
	"time"
)

// Bounds of what operators set up.
const (
	DefaultSLATarget  = 5 * time.Minute
	DefaultObjective  = 0.8
	ShortestSLATarget = time.Second
	LongestSLATarget  = 7 * 24 * time.Hour

	// LongestAdminToken is the longest an operator's token lives.
	LongestAdminToken = 90 * 24 * time.Hour

	longestAccessToken = 4096 // bytes
)

var (
	externalID  = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	accessToken = regexp.MustCompile(`^[!-~]+$`)
)

// WithDefaults returns o with UTC, 5 minutes and 0.8 where nothing is set.
func (o Org) WithDefaults() Org {
	if o.TimeZone == "" {
		o.TimeZone = "UTC"
	}
	if o.SLATarget == 0 {
		o.SLATarget = DefaultSLATarget
	}
	if o.Objective == 0 {
		o.Objective = DefaultObjective
	}
	return o
}

// CheckOrg returns an Invalid fault unless o may be a new org. Defaults are
// filled in before.
func CheckOrg(o Org) error {
	if err := CheckName("org", o.Name); err != nil {
		return err
	}
	if _, err := time.LoadLocation(o.TimeZone); err != nil || o.TimeZone == "" || o.TimeZone == "Local" {
		return Faultf(Invalid, "bad_time_zone", "%q is not a time zone: use an IANA name such as Europe/Madrid", o.TimeZone)
	}
	if o.SLATarget < ShortestSLATarget || o.SLATarget > LongestSLATarget {
		return Faultf(Invalid, "bad_sla_target", "an SLA target of %s is not possible: use 1s to 168h", o.SLATarget)
	}
	if !(o.Objective > 0 && o.Objective <= 1) { // Not by De Morgan: NaN is refused too.
		return Faultf(Invalid, "bad_sla_objective", "an SLA objective of %v is not possible: use a share above 0 and up to 1", o.Objective)
	}
	return nil
}

// CheckChannel returns an Invalid fault unless c may be a new channel: of a
// known kind and state, with ids as Meta makes them.
func CheckChannel(c Channel) error {
	switch c.Kind {
	case WhatsApp, Instagram, AdAccount:
	default:
		return Faultf(Invalid, "unknown_kind", "there is no kind %q: use one of whatsapp, instagram, ad_account", c.Kind)
	}
	switch c.State {
	case ChannelActive, ChannelPaused, ChannelBroken:
	default:
		return Faultf(Invalid, "unknown_state", "there is no state %q: use one of active, paused, broken", c.State)
	}
	if !externalID.MatchString(c.ExternalID) {
		return Faultf(Invalid, "bad_external_id", "id %q is not one of Meta's: use the number's, account's or ad account's id", c.ExternalID)
	}
	if c.TokenKind != "" && !slices.Contains(TokenKinds(), c.TokenKind) {
		return Faultf(Invalid, "unknown_token_kind", "there is no kind of token %q: use one of instagram_long, facebook_long, system_user, page, unknown", c.TokenKind)
	}
	if c.BusinessID != "" && !externalID.MatchString(c.BusinessID) {
		return Faultf(Invalid, "bad_business_id", "business id %q is not one of Meta's", c.BusinessID)
	}
	return nil
}

// CheckAccessToken returns an Invalid fault unless token may be Meta's access
// token of a channel. The fault never holds the token.
func CheckAccessToken(token string) error {
	if len(token) > longestAccessToken || !accessToken.MatchString(token) {
		return Faultf(Invalid, "bad_token", "the access token is empty, longer than %d bytes, or holds blanks or signs no token has: give nothing but the token", longestAccessToken)
	}
	return nil
}

// CheckTokenScope returns an Invalid fault unless a credential may be for this
// role, org and user. Role empty: a token of the public API, which belongs to
// an org and perhaps to one of its users; an admin token has no user.
func CheckTokenScope(role string, hasOrg, hasUser bool) error {
	switch role {
	case "", "viewer", "operator", "admin":
	default:
		return Faultf(Invalid, "unknown_role", "there is no role %q: use one of viewer, operator, admin", role)
	}
	switch {
	case role == "" && !hasOrg:
		return Faultf(Invalid, "no_org", "say whose token it is: an API token belongs to an org, an admin token has a role")
	case role != "" && hasUser:
		return Faultf(Invalid, "role_and_user", "a token is either a user's or an operator's, not both: leave the user or the role out")
	}
	return nil
}

// CheckTokenLife returns an Invalid fault unless a credential may live that
// long; 0 means for ever, which an admin token may not.
func CheckTokenLife(role string, life time.Duration) error {
	switch {
	case life < 0:
		return Faultf(Invalid, "bad_expiry", "a token cannot expire in the past")
	case role != "" && (life == 0 || life > LongestAdminToken):
		return Faultf(Invalid, "bad_expiry", "an admin token lives at most 90 days (2160h)")
	}
	return nil
}
