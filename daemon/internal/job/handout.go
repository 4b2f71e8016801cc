package job

import "time"

// Share is how many jobs of one org a claim may take, of priorities From to To;
// zero: all of them.
type Share struct {
	OrgID    int64
	Limit    int
	From, To Priority
}

// Pick says which ready jobs a claim may take. DialFrom and DialTo (0..100,
// half open) select conversations by hash: the redis lane takes [0,dial), the
// postgres lane [dial,100). Jobs of Blocked channels stay. Scan bounds the rows
// read per org; zero: 200.
type Pick struct {
	Queue            Queue
	Type             Type
	Shares           []Share
	DialFrom, DialTo int
	Blocked          []int64
	Scan             int
}

// HandOut is a job that has just left ready, with what pacing asks about.
type HandOut struct {
	Ticket

	OrgID     int64
	ChannelID int64 // 0: none
	SerialKey int64 // 0: none
}

// HandOut returns what pacing asks about a claimed job.
func (c Claimed) HandOut() HandOut {
	return HandOut{Ticket{c.ID, c.Epoch}, c.OrgID, c.ChannelID, c.SerialKey}
}

// Backlog names one (queue, type, org) that has ready jobs: bulk ones, or
// others.
type Backlog struct {
	Queue Queue
	Type  Type
	OrgID int64
	Bulk  bool
}

// Outlook is what a dispatcher sees at one moment: who has ready work, how
// much is under way, how many slots live workers have in all, and what must be
// left alone.
//
// Where more orgs wait than one look lists, Page counts the looks of one walk,
// from 0, and More says that the next look goes on where this one ended.
type Outlook struct {
	Backlog    []Backlog
	Page       int
	More       bool
	OnRedis    map[Queue]int      // dispatched or running by the redis lane
	UnderWay   map[OrgInQueue]int // dispatched or running by any lane
	Slots      int                // for sends
	Background int                // slots for background queues
	Channels   []int64            // paused or cooling down
	Queues     []Queue            // whose provider is cooling down
}

// OrgInQueue is one org's part of one queue.
type OrgInQueue struct {
	OrgID int64
	Queue Queue
}

// Deferral puts a hand-out back because it may not leave yet. After zero: it is
// ready again, and its channel waits; else it is scheduled, and what follows it
// in its conversation waits too.
type Deferral struct {
	Ticket

	After time.Duration
}
