package metasim

import (
	"net/http"
	"sync"
	"time"
)

const (
	appID     = "700000000000077"
	longLife  = 60 * 24 * time.Hour
	restOfNew = 24 * time.Hour // an Instagram token must be this old to be renewed
)

// TokenLife is how a token lives. Zero times: it was made long ago, it never
// expires.
type TokenLife struct {
	IssuedAt  time.Time
	ExpiresAt time.Time
	Revoked   bool // the user has changed the password: 190 for ever
}

// mint knows how tokens live and makes new ones. Safe for concurrent use.
type mint struct {
	mu       sync.Mutex
	lives    map[string]TokenLife
	renewals map[string]int // by account
}

func newMint() *mint { return &mint{lives: map[string]TokenLife{}, renewals: map[string]int{}} }

// AppID is the id of the app that the token endpoints know; its secret is that
// of the webhooks.
func (*Sim) AppID() string { return appID }

// SetTokenLife says how a token lives from now on.
func (s *Sim) SetTokenLife(token string, life TokenLife) {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	s.tokens.lives[token] = life
}

// Renewals returns how many new tokens were made for an account, answers that
// were lost included.
func (s *Sim) Renewals(account string) int {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	return s.tokens.renewals[account]
}

func (m *mint) life(token string) TokenLife {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lives[token]
}

func (m *mint) dead(token string, l *line, now time.Time) bool {
	life := m.life(token)
	return l.expired || life.Revoked || !life.ExpiresAt.IsZero() && !life.ExpiresAt.After(now)
}

// make remembers a new token of an account.
func (m *mint) make(token string, account string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lives[token] = TokenLife{IssuedAt: now, ExpiresAt: now.Add(longLife)}
	m.renewals[account]++
}

// exchangeToken renews a Facebook token. The old one stays valid.
func (x *reading) exchangeToken() answer {
	_, secret := x.sim.target.get()
	old := x.query.Get("fb_exchange_token")
	switch {
	case x.query.Get("client_id") != appID || x.query.Get("client_secret") != secret:
		return x.refuse("token/err_1_client_secret")
	case old == "":
		return x.refuse("token/err_100_missing_param")
	}
	return x.renew(old, "EAAJsim", "token/err_190_463_expired")
}

// refreshToken renews an Instagram token that is at least a day old.
func (x *reading) refreshToken() answer {
	old := x.query.Get("access_token")
	life := x.sim.tokens.life(old)
	if !life.IssuedAt.IsZero() && x.sim.now().Sub(life.IssuedAt) < restOfNew {
		return invalid{100, "Unsupported request - method type: get", ""}.answer(Instagram, x.sim.dice.trace())
	}
	return x.renew(old, "IGAAsim", "instagram/err_190_ig_expired")
}

func (x *reading) renew(old, prefix, expired string) answer {
	now := x.sim.now()
	if x.line == nil || x.sim.tokens.dead(old, x.line, now) {
		return x.refuse(expired)
	}
	fresh := prefix + x.sim.ids.word(24, base62)
	x.sim.accounts.share(old, fresh)
	x.sim.tokens.make(fresh, x.line.ID, now)
	return say(map[string]any{"access_token": fresh, "token_type": "bearer", "expires_in": int(longLife.Seconds())})
}

// debugToken tells about a token, with HTTP 200 also if it is not valid.
func (x *reading) debugToken() answer {
	_, secret := x.sim.target.get()
	if x.query.Get("access_token") != appID+"|"+secret {
		return x.refuse("token/err_1_client_secret")
	}
	token := x.query.Get("input_token")
	life := x.sim.tokens.life(token)
	data := map[string]any{
		"app_id": appID, "application": "inboxd", "type": "SYSTEM_USER", "expires_at": unixOf(life.ExpiresAt),
		"issued_at": unixOf(life.IssuedAt), "data_access_expires_at": 0, "is_valid": true,
		"scopes": []string{"whatsapp_business_management", "whatsapp_business_messaging", "ads_read", "instagram_manage_messages"},
	}
	if x.line == nil || x.sim.tokens.dead(token, x.line, x.sim.now()) {
		data["is_valid"] = false
		data["error"] = map[string]any{"code": 190, "message": "Error validating access token", "subcode": 463}
	}
	return say(map[string]any{"data": data})
}

func unixOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func (x *reading) me() answer {
	return say(map[string]string{"user_id": x.line.ID, "id": x.line.ID})
}

// cutOff closes a connection hard, without an answer.
func cutOff(w http.ResponseWriter) {
	(&exchange{w: w}).reset()
}
