package inbox

import (
	"context"
	"encoding/json"
	"time"
)

// Change is what an operator asks for, and who asks: what the audit trail says
// of it. It travels with the request, so that whoever writes the change can
// record it in the same transaction.
type Change struct {
	Actor     string // "local:1000" or "token:5"
	TokenID   int64  // 0: no token was used
	Action    string // noun and verb, such as "holds.add"
	Reason    string // as the operator gave it; may be empty
	RequestID string
	Source    string // "socket", or "tcp" and the address
	// Detail is what only the asker knows, such as what was selected. It must
	// hold no secret, phone number or message text.
	Detail map[string]any
}

// Note adds to the detail of the record.
func (c *Change) Note(name string, value any) {
	if c == nil {
		return
	}
	if c.Detail == nil {
		c.Detail = map[string]any{}
	}
	c.Detail[name] = value
}

type changeKey struct{}

// WithChange marks everything done under ctx as part of a change.
func WithChange(ctx context.Context, c *Change) context.Context {
	return context.WithValue(ctx, changeKey{}, c)
}

// ChangeOf returns the change that ctx is part of; nil: it is no operator's.
func ChangeOf(ctx context.Context) *Change {
	c, _ := ctx.Value(changeKey{}).(*Change)
	return c
}

// AuditEntry is one row of the audit trail.
type AuditEntry struct {
	ID        int64
	At        time.Time
	Actor     string
	TokenID   int64 // 0: none
	Action    string
	OrgID     int64 // 0: of no org, or of all
	Org       string
	Target    string
	Reason    string
	Detail    json.RawMessage
	Outcome   string
	RequestID string
	Source    string
	Hash      []byte
}

// AuditFilter chooses entries; zero fields choose all.
type AuditFilter struct {
	ID           int64
	OrgID        int64
	Actor        string
	Action       string
	Since, Until time.Time
	Before       int64 // only ids below
	Limit        int
}

// AuditVerdict says whether the chain of the audit trail holds. Head is the hash
// of the newest entry. Of a broken chain BrokenID is the first entry that is not
// as it was written and Why says what is wrong with it.
type AuditVerdict struct {
	Count    int64
	Head     []byte
	BrokenID int64 // 0: it holds
	Why      string
}
