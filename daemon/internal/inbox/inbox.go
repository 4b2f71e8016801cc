// Package inbox is the domain: orgs, users, channels, contacts, conversations,
// messages and episodes, and the rules that hold between them. It owns words
// and decisions; it refuses input and output: no SQL, no HTTP, no clock of its
// own (callers pass the time).
package inbox

import "time"

// Org is a tenant. Name is unique and immutable; SLATarget is the longest an
// answer may take (strictly less than), Objective the share (0..1) of answers
// that should meet it.
type Org struct {
	ID        int64
	Name      string
	TimeZone  string
	SLATarget time.Duration
	Objective float64
	CreatedAt time.Time
}

// User is an agent who answers customers. Name is unique within its org and
// immutable.
type User struct {
	ID        int64
	OrgID     int64
	Name      string
	CreatedAt time.Time
}

// Principal is who a public API token speaks for. UserID is 0 for an org token.
type Principal struct {
	TokenID  int64
	OrgID    int64
	OrgName  string
	UserID   int64
	UserName string
}
