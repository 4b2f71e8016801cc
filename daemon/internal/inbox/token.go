package inbox

import (
	"encoding/binary"
	"hash/fnv"
	"time"
)

// Token is a credential of ours, without its secret. Role is empty for one of the
// public API; zero times have not come, or never will.
type Token struct {
	ID         int64
	OrgID      int64 // 0: an admin token for all orgs
	Org, User  string
	Role       string
	CreatedBy  string // the actor; empty: not known
	CreatedAt  time.Time
	ExpiresAt  time.Time
	RevokedAt  time.Time
	LastUsedAt time.Time // a minute late at most
}

// TokenKind says how a channel's token lives and is renewed.
type TokenKind string

// The kinds of token. An unknown one is asked about before anything is done.
const (
	TokenInstagramLong TokenKind = "instagram_long" //nolint:gosec // a word; 60 days, renewed by itself
	TokenFacebookLong  TokenKind = "facebook_long"  // about 60 days; exchanged
	TokenSystemUser    TokenKind = "system_user"    // never ends, or 60 days and exchanged
	TokenPage          TokenKind = "page"           // no expiry date
	TokenUnknown       TokenKind = "unknown"
)

// TokenKinds lists every kind.
func TokenKinds() []TokenKind {
	return []TokenKind{TokenInstagramLong, TokenFacebookLong, TokenSystemUser, TokenPage, TokenUnknown}
}

// TokenLife is what is known of a token. Zero times are not known; a checked
// token without an expiry never expires.
type TokenLife struct {
	Kind      TokenKind
	IssuedAt  time.Time
	ExpiresAt time.Time
	CheckedAt time.Time
}

// For returns the life of a new token of a channel: its kind follows from the
// channel where nothing else is said.
func (l TokenLife) For(kind ChannelKind) TokenLife {
	if l.Kind == "" {
		l.Kind = TokenUnknown
	}
	if l.Kind == TokenUnknown && kind == Instagram {
		l.Kind = TokenInstagramLong
	}
	return l
}

// ChannelToken is a channel's token with everything its renewal needs.
type ChannelToken struct {
	TokenLife

	Channel   Channel
	Token     string // in clear; never logged
	Version   int64
	RefreshAt time.Time // zero: nothing to do by itself
	Refused   bool      // the provider answered this token with error 190
}

// IssuedToken is a new token; a zero ExpiresAt means that the provider named
// none.
type IssuedToken struct {
	Token     string // in clear; never logged
	ExpiresAt time.Time
}

const (
	// instagramRest is how old an Instagram token must be to be renewed, with
	// an hour for clocks that differ.
	instagramRest = 25 * time.Hour
	usualLife     = 60 * 24 * time.Hour
	firstLook     = time.Hour        // within it a token is asked about for the first time
	shortestRest  = 10 * time.Minute // between two renewals
)

// RefreshAt returns when a token is to be renewed, or asked about if too little
// is known; zero: never by itself. Renewal begins between 50 and 75 percent of
// the token's life, at a share that is stable for this channel and version, so
// that many tokens made together are not renewed together.
func (l TokenLife) RefreshAt(channelID, version int64) time.Time {
	share := jitter(channelID, version)
	switch {
	case l.ExpiresAt.IsZero() && l.Kind == TokenInstagramLong:
		return l.IssuedAt.Add(instagramRest + time.Duration(share*float64(firstLook)))
	case l.ExpiresAt.IsZero() && l.CheckedAt.IsZero():
		return l.IssuedAt.Add(time.Duration(share * float64(firstLook)))
	case l.ExpiresAt.IsZero(), l.Kind == TokenPage:
		return time.Time{}
	}
	issued := l.IssuedAt
	if issued.IsZero() || !issued.Before(l.ExpiresAt) {
		issued = l.ExpiresAt.Add(-usualLife)
	}
	wait := time.Duration((0.5 + share/4) * float64(l.ExpiresAt.Sub(issued)))
	if l.Kind == TokenInstagramLong {
		wait = max(wait, instagramRest)
	}
	return issued.Add(max(wait, shortestRest))
}

// jitter returns a number in [0,1) that is always the same for a token.
func jitter(channelID, version int64) float64 {
	h := fnv.New64a()
	_ = binary.Write(h, binary.BigEndian, [2]int64{channelID, version})
	const steps = 10_000
	return float64(h.Sum64()%steps) / steps
}

// TokenAlert is a token that will expire soon and has not been renewed.
type TokenAlert struct {
	ChannelID, OrgID int64
	Org              string
	Kind             ChannelKind
	ExpiresAt        time.Time
	Urgent           bool // within a day, or over
}
