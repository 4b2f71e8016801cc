package job

// Share is how many jobs of one org a claim may take.
type Share struct {
	OrgID int64
	Limit int
}

// Pick says which ready jobs a claim may take. DialFrom and DialTo (0..100,
// half open) select conversations by hash: the redis lane takes [0,dial), the
// postgres lane [dial,100). Scan bounds the rows read per org; zero: 200.
type Pick struct {
	Queue            Queue
	Type             Type
	Shares           []Share
	DialFrom, DialTo int
	Scan             int
}

// Backlog names one (queue, type, org) that has ready jobs.
type Backlog struct {
	Queue Queue
	Type  Type
	OrgID int64
}

// Outlook is what a dispatcher sees at one moment: who has ready work, how
// many redis-lane jobs are outside ready per queue, and how many slots live
// workers have in all.
type Outlook struct {
	Backlog  []Backlog
	InFlight map[Queue]int
	Slots    int
}
