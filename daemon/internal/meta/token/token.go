// Package token reads the answers of Meta's token endpoints and judges tokens.
// It owns what makes a token good for a channel; it refuses HTTP (meta's client
// makes the calls), storage and the decision when to renew.
package token

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

const longestLife = 400 * 24 * time.Hour

// Issued reads a new token; false if the answer holds none that could be one.
// expires_in may be a number, a string or absent.
func Issued(body []byte, now time.Time) (inbox.IssuedToken, bool) {
	var raw struct {
		Token     string          `json:"access_token"`
		ExpiresIn json.RawMessage `json:"expires_in"`
	}
	if json.Unmarshal(body, &raw) != nil || inbox.CheckAccessToken(raw.Token) != nil {
		return inbox.IssuedToken{}, false
	}
	issued := inbox.IssuedToken{Token: raw.Token}
	seconds, err := strconv.ParseInt(strings.Trim(string(raw.ExpiresIn), `"`), 10, 64)
	if err == nil && seconds > 0 {
		life := min(time.Duration(min(seconds, int64(longestLife.Seconds())))*time.Second, longestLife)
		issued.ExpiresAt = now.Add(life)
	}
	return issued, true
}

// Facts are what debug_token says.
type Facts struct {
	inbox.TokenLife

	AppID  string
	Valid  bool
	scopes []string
	grants []grant
}

type grant struct {
	Scope   string   `json:"scope"`
	Targets []string `json:"target_ids"`
}

// FactsOf reads an answer of debug_token. An expiry of 0 means never.
func FactsOf(body []byte, now time.Time) (Facts, bool) {
	var raw struct {
		Data *struct {
			AppID     string   `json:"app_id"`
			Type      string   `json:"type"`
			Valid     bool     `json:"is_valid"`
			IssuedAt  int64    `json:"issued_at"`
			ExpiresAt int64    `json:"expires_at"`
			Scopes    []string `json:"scopes"`
			Grants    []grant  `json:"granular_scopes"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &raw) != nil || raw.Data == nil {
		return Facts{}, false
	}
	d := raw.Data
	return Facts{
		TokenLife: inbox.TokenLife{Kind: kindOf(d.Type), IssuedAt: unix(d.IssuedAt), ExpiresAt: unix(d.ExpiresAt), CheckedAt: now},
		AppID:     d.AppID, Valid: d.Valid, scopes: d.Scopes, grants: d.Grants,
	}, true
}

func kindOf(word string) inbox.TokenKind {
	switch word {
	case "USER":
		return inbox.TokenFacebookLong
	case "SYSTEM_USER":
		return inbox.TokenSystemUser
	case "PAGE":
		return inbox.TokenPage
	}
	return inbox.TokenUnknown
}

func unix(seconds int64) time.Time {
	const lastSecond = 253402300799 // 9999-12-31
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Judge says whether a token serves a channel of our app: OK; auth if it is not
// valid or another app's; permission if it lacks what the channel needs, or has
// it for others only.
func (f Facts) Judge(appID string, c inbox.Channel) (job.Class, string) {
	scopes, target := needs(c)
	switch {
	case !f.Valid:
		return job.ClassAuth, "the provider says that the token is not valid"
	case f.AppID != appID:
		return job.ClassAuth, "the token belongs to another app"
	case len(scopes) == 0:
		return job.ClassOK, ""
	case !slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(f.scopes, scope) }):
		return job.ClassPermission, "the token lacks " + scopes[0]
	case !f.granted(scopes, target):
		return job.ClassPermission, "the token has " + scopes[0] + " for another account"
	}
	return job.ClassOK, ""
}

// needs returns the scopes of which a channel needs one, and the object they
// must be granted for; an empty object: any.
func needs(c inbox.Channel) (scopes []string, target string) {
	switch c.Kind {
	case inbox.WhatsApp:
		return []string{"whatsapp_business_messaging"}, c.BusinessID
	case inbox.AdAccount:
		return []string{"ads_read", "ads_management"}, strings.TrimPrefix(c.ExternalID, "act_")
	case inbox.Instagram:
	}
	return nil, ""
}

// granted reports whether one of the scopes covers the target. A scope without
// a list of targets covers all.
func (f Facts) granted(scopes []string, target string) bool {
	listed := false
	for _, g := range f.grants {
		switch {
		case target == "" || !slices.Contains(scopes, g.Scope):
		case len(g.Targets) == 0 || slices.Contains(g.Targets, target):
			return true
		default:
			listed = true
		}
	}
	return !listed
}
