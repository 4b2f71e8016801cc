// Package sla judges and counts SLA clocks: what a miss was due to, and what a
// set of episodes comes to. It owns rules and sums; it refuses SQL, clocks of its
// own and the wire.
package sla

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/automation"
)

// AtRisk is how soon an episode must be due to be at risk.
const AtRisk = time.Minute

// ExcludedTags are what a conversation is filed under that does not count.
func ExcludedTags() []string { return []string{"spam", "blocked", "test"} }

// Policy is what an org promises. Hours without days are always open.
type Policy struct {
	ID        int64
	OrgID     int64
	Org       string
	Target    time.Duration
	Objective float64 // share of answers that should be within the target
	Hours     automation.Hours
	Owner     string // who set it; empty: not an operator
	Reason    string
	SetAt     time.Time
	InForce   bool // of new episodes
}

// Who says whose a row of figures is.
type Who string

// Whose. An answer from the phone app is credited to nobody, a question that
// nobody had and nobody answered in time to no one in particular.
const (
	User       Who = "user"
	PhoneApp   Who = "phone_app"
	Unassigned Who = "unassigned"
)

// By is what figures are split by.
type By string

// The splits.
const (
	ByOrg     By = "org"
	ByUser    By = "user"
	ByChannel By = "channel"
)

// Span is a stretch of time; To does not belong to it.
type Span struct{ From, To time.Time }

// Question chooses episodes by when they started. Day, if set, is a day of each
// org's own zone and stands instead of Span. OrgID 0 means every org, UserID and
// ChannelID 0 all.
type Question struct {
	OrgID     int64
	UserIDs   []int64
	ChannelID int64
	By        By
	Span      Span
	Day       string
	Now       time.Time // verdicts are as of then

	CountsOnly bool // response times are not asked for
}

// MissQuestion chooses misses, newest first. Before is the last one seen.
type MissQuestion struct {
	Question

	Cause  Cause
	Before Cursor
	Limit  int
}

// Cursor is a place in a list of episodes.
type Cursor struct {
	At time.Time
	ID int64
}

// Case is one episode for people to look at.
type Case struct {
	ID, OrgID, ConversationID, ChannelID int64
	Org, Channel                         string // Channel: its kind
	UserID                               int64  // charged; 0: nobody of ours
	User                                 string
	Who                                  Who
	First                                bool
	StartedAt, ReceivedAt, DueAt         time.Time
	AnsweredAt                           time.Time // zero: not yet
	Response                             time.Duration
	Cause                                Cause // "": not explained yet
	Spent                                Spent
}

// Stamp is a verdict as the evaluator has just written it.
type Stamp struct {
	OrgID    int64
	Org      string
	UserID   int64 // charged
	User     string
	Met      bool
	Answered bool
	Response time.Duration
	Anew     bool // there was a verdict before: it has been counted
}
