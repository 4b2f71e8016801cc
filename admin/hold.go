package admin

import (
	"fmt"
	"time"
)

// Applied says how far a change has got. Of the Live processes, Acked have
// applied it and have ended what they had begun under the old state; Missing
// names the others, as host:pid. Error is null unless that could not be found
// out: the change is stored all the same.
type Applied struct {
	Version int64    `json:"version"`
	Acked   int      `json:"acked"`
	Live    int      `json:"live"`
	TookMS  int64    `json:"took_ms"`
	Missing []string `json:"missing"`
	Error   *string  `json:"error"`
}

// AppliedTime bounds how long a server waits for all processes to apply a change.
const AppliedTime = 5 * time.Second

// Everywhere reports whether every live process has applied the change.
func (a Applied) Everywhere() bool { return len(a.Missing) == 0 && a.Error == nil }

// Text says how far it got: "applied on 4/4 processes in 0.2 s".
func (a Applied) Text() string {
	if a.Error != nil {
		return "stored, but who has applied it is not known"
	}
	noun := "processes"
	if a.Live == 1 {
		noun = "process"
	}
	return fmt.Sprintf("applied on %d/%d %s in %.1f s", a.Acked, a.Live, noun, float64(a.TookMS)/1000)
}

// Hold is a pause that somebody owns. Org, queue and type are null for any; an
// org's hold without queue and type spares token_refresh. Several holds stack:
// work goes on when none of them covers it any more.
type Hold struct {
	ID        string     `json:"id"`
	Org       *string    `json:"org"`
	Queue     *string    `json:"queue"`
	Type      *string    `json:"type"`
	Owner     string     `json:"owner"`
	Reason    *string    `json:"reason"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
}

// HoldAdd asks for a pause of an org, of a queue, or of both together; Type
// narrows it. LastsMS 0 means until it is released.
type HoldAdd struct {
	Org     string `json:"org,omitempty"`
	Queue   string `json:"queue,omitempty"`
	Type    string `json:"type,omitempty"`
	LastsMS int64  `json:"lasts_ms,omitempty"`
	DryRun  bool   `json:"dry_run"`
	Reason  string `json:"reason,omitempty"`
}

// AllHolds releases every hold, where the id of one is asked for.
const AllHolds = "all"

// HoldRelease asks to end holds of Org, or of Queue as a whole. Hold is an id or
// AllHolds; empty: those of the caller.
type HoldRelease struct {
	Org    string `json:"org,omitempty"`
	Queue  string `json:"queue,omitempty"`
	Hold   string `json:"hold,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// HoldResult says which holds were added or released, and which others still
// hold the same. Waiting is how many unfinished jobs there are in what is held,
// null if not known; Recalled how many were on their way and have been called
// back. Applied is null if nothing was changed.
type HoldResult struct {
	DryRun   bool     `json:"dry_run"`
	Holds    []Hold   `json:"holds"`
	Others   []Hold   `json:"others"`
	Waiting  *int64   `json:"waiting"`
	Recalled *int64   `json:"recalled"`
	Applied  *Applied `json:"applied"`
}

// QueueDetail is a queue with the holds on it, of all orgs.
type QueueDetail struct {
	Queue

	HoldList []Hold `json:"hold_list"`
}

// DialSet asks for the percent of a queue's conversations that travel by Redis.
type DialSet struct {
	Queue  string `json:"queue"`
	Dial   int    `json:"dial"`
	DryRun bool   `json:"dry_run"`
	Reason string `json:"reason,omitempty"`
}

// DialResult says what the dial was and is. Effective is what it means here and
// now: 0 without Redis, and Note says so.
type DialResult struct {
	DryRun    bool     `json:"dry_run"`
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Before    *int     `json:"before"`
	Dial      int      `json:"dial"`
	Effective int      `json:"effective"`
	Note      *string  `json:"note"`
	Recalled  *int64   `json:"recalled"`
	Applied   *Applied `json:"applied"`
}

// ChannelState asks to pause or resume a channel, named by our id or Meta's.
// State is active or paused.
type ChannelState struct {
	Channel string `json:"channel"`
	State   string `json:"state"`
	DryRun  bool   `json:"dry_run"`
	Reason  string `json:"reason,omitempty"`
}

// ChannelToken asks to replace the access token of a channel.
type ChannelToken struct {
	Channel string `json:"channel"`
	Token   string `json:"token"`
	Reason  string `json:"reason,omitempty"`
}

// ChannelResult is a channel after a change. Before is the state it was in.
type ChannelResult struct {
	Channel

	Before  string   `json:"before"`
	DryRun  bool     `json:"dry_run"`
	Applied *Applied `json:"applied"`
}
