package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Paths of the audit trail, and of ending a token.
const (
	AuditPath  = BasePath + "/audit"
	VerifyPath = AuditPath + "/verify"
	RevokePath = TokensPath + "/revoke"
)

// AuditEntry is one change that was made, or one look at what only operators may
// see. Org is null for what concerns no org, or several. Detail says what was
// before and after, as far as there is that. Outcome is done, or begun for a bulk
// change that went on after it was recorded.
type AuditEntry struct {
	ID        string         `json:"id"`
	At        time.Time      `json:"at"`
	Actor     string         `json:"actor"`
	TokenID   *string        `json:"token_id"`
	Action    string         `json:"action"`
	Org       *string        `json:"org"`
	Target    string         `json:"target"`
	Reason    *string        `json:"reason"`
	Detail    map[string]any `json:"detail"`
	Outcome   string         `json:"outcome"`
	RequestID string         `json:"request_id"`
	Source    string         `json:"source"` // socket, or tcp and the address
	Hash      string         `json:"hash"`
}

// AuditVerdict says whether the trail is as it was written. Count is how many
// entries hold, Head the hash of the last of them: whoever keeps it elsewhere can
// prove later that nothing before it was changed. BrokenID and Why are null
// unless it does not hold.
type AuditVerdict struct {
	OK       bool    `json:"ok"`
	Count    int64   `json:"count"`
	Head     string  `json:"head"`
	BrokenID *string `json:"broken_id"`
	Why      *string `json:"why"`
}

// AuditFilter chooses entries; zero fields choose all.
type AuditFilter struct {
	Org, Actor, Action string
	Since, Until       *time.Time
}

// AuditParams lists the query parameters of a filter.
func AuditParams() []string {
	return []string{"org", "actor", "action", "since", "until", "cursor", "limit"}
}

func (f AuditFilter) values() url.Values {
	v := url.Values{}
	for name, word := range map[string]string{"org": f.Org, "actor": f.Actor, "action": f.Action} {
		if word != "" {
			v.Set(name, word)
		}
	}
	for name, at := range map[string]*time.Time{"since": f.Since, "until": f.Until} {
		if at != nil {
			v.Set(name, at.Format(time.RFC3339Nano))
		}
	}
	return v
}

// ParsePeriod reads the parameters since and until. It returns an Invalid Error
// that names the bad value.
func ParsePeriod(v url.Values) (since, until *time.Time, err error) {
	if since, err = parseTime(v, "since"); err != nil {
		return nil, nil, err
	}
	until, err = parseTime(v, "until")
	return since, until, err
}

// Audit lists the audit trail, newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter, p Page) (List[AuditEntry], error) {
	query := f.values()
	p.add(query)
	return call[List[AuditEntry]](ctx, c, http.MethodGet, AuditPath, query, nil)
}

// AuditEntry returns one entry, or a NotFound Error.
func (c *Client) AuditEntry(ctx context.Context, id string) (One[AuditEntry], error) {
	return call[One[AuditEntry]](ctx, c, http.MethodGet, AuditPath+"/"+url.PathEscape(id), nil, nil)
}

// VerifyAudit walks the whole trail. A trail that does not hold is an answer, not
// an Error.
func (c *Client) VerifyAudit(ctx context.Context) (One[AuditVerdict], error) {
	return callWithin[One[AuditVerdict]](ctx, c, RetryTime+defaultTimeout, http.MethodGet, VerifyPath, nil, nil)
}

// RevealJob returns one job with what it sends. That is recorded in the audit
// trail, with the reason.
func (c *Client) RevealJob(ctx context.Context, id, reason string) (One[JobDetail], error) {
	query := url.Values{"reveal": {"true"}}
	if reason != "" {
		query.Set("reason", reason)
	}
	return call[One[JobDetail]](ctx, c, http.MethodGet, JobsPath+"/"+url.PathEscape(id), query, nil)
}

// Words of TokenInfo.State.
const (
	TokenActive  = "active"
	TokenExpired = "expired"
	TokenRevoked = "revoked"
)

// TokenInfo is a credential without its secret. Role is null for an API token,
// CreatedBy for one whose maker is not known. LastUsedAt is a minute late at most.
type TokenInfo struct {
	ID         string     `json:"id"`
	Org        *string    `json:"org"`
	User       *string    `json:"user"`
	Role       *Role      `json:"role"`
	State      string     `json:"state"`
	CreatedBy  *string    `json:"created_by"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
}

// TokenRevoke asks to end a credential for ever. A DryRun shows which it is.
type TokenRevoke struct {
	ID     string `json:"id"`
	DryRun bool   `json:"dry_run"`
	Reason string `json:"reason,omitempty"`
}

// Tokens lists credentials, oldest first; with org, a name, only its own.
func (c *Client) Tokens(ctx context.Context, org string) (List[TokenInfo], error) {
	return call[List[TokenInfo]](ctx, c, http.MethodGet, TokensPath, ofOrg(org), nil)
}

// RevokeToken ends a credential: within 5 s no process takes it any more.
func (c *Client) RevokeToken(ctx context.Context, r TokenRevoke) (One[TokenInfo], error) {
	return call[One[TokenInfo]](ctx, c, http.MethodPost, RevokePath, nil, r)
}
