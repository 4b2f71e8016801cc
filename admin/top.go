package admin

import "time"

// Top is the picture of everything that live views draw: one collector in the
// server makes a new one each second, whoever looks and however many. Rows are
// sorted worst first and carry ids that stay. What could not be read this time
// is as it was and named in Parts.
type Top struct {
	Epoch       string    `json:"epoch"` // another one: the server has restarted, Seq began anew
	Seq         int64     `json:"seq"`
	GeneratedAt time.Time `json:"generated_at"`
	IntervalMS  int64     `json:"interval_ms"`
	Environment string    `json:"environment"`
	Version     string    `json:"version"`
	Actor       string    `json:"actor"` // who is looking
	Role        Role      `json:"role"`
	Parts       []TopPart `json:"parts"`
	Vitals      Vitals    `json:"vitals"`

	Queues  []TopQueue   `json:"queues"`
	Types   []TopLatency `json:"types"` // by job type
	Orgs    []TopOrg     `json:"orgs"`  // at most TopRows
	Users   []TopUser    `json:"users"` // at most TopRows
	Limits  []TopLimit   `json:"limits"`
	Workers []TopWorker  `json:"workers"`
	Alerts  []Alert      `json:"alerts"`
	Totals  TopTotals    `json:"totals"`

	// Series is the past, aligned; the last point is at most StepMS old.
	Series *TopSeries `json:"series"`
}

// TopRows is how many orgs, users and limits a Top has at most.
const TopRows = 100

// TopPart is one source of a Top: AgeMS is how old its part is.
type TopPart struct {
	Name  string  `json:"name"` // ledger, latency, sla, limits, redis, alerts
	OK    bool    `json:"ok"`
	AgeMS int64   `json:"age_ms"`
	Error *string `json:"error"`
}

// TopTotals says of how many rows a Top has the worst.
type TopTotals struct {
	Orgs   int `json:"orgs"`
	Users  int `json:"users"`
	Limits int `json:"limits"`
}

// Vitals are the figures of the first line. Depth counts what waits: scheduled,
// ready, dispatched and held.
type Vitals struct {
	Depth         int64    `json:"depth"`
	DepthTrend    int      `json:"depth_trend"` // of the last minute: -1, 0, 1
	OldestReadyMS *int64   `json:"oldest_ready_ms"`
	InPerS        *float64 `json:"in_per_s"`
	OutPerS       *float64 `json:"out_per_s"`
	FailPerS      *float64 `json:"fail_per_s"`
	P95MS         *float64 `json:"p95_ms"` // wait of messages, 5 minutes
	SLA           *float64 `json:"sla"`    // 0..1, one hour; null: no data
	SLAObjective  *float64 `json:"sla_objective"`
	SlotsBusy     int      `json:"slots_busy"`
	Slots         int      `json:"slots"`
}

// Triple are percentiles with the number of samples.
type Triple struct {
	N     int64    `json:"n"`
	P50MS *float64 `json:"p50_ms"`
	P95MS *float64 `json:"p95_ms"`
	P99MS *float64 `json:"p99_ms"`
}

// TopQueue is one queue. DrainsMS is how long the backlog lasts at the rate it
// shrinks now: null when nothing waits, -1 when it grows.
type TopQueue struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Ready         int64    `json:"ready"`
	Running       int64    `json:"running"`
	Dispatched    int64    `json:"dispatched"`
	Retrying      int64    `json:"retrying"`
	Scheduled     int64    `json:"scheduled"`
	Held          int64    `json:"held"`
	Uncertain     int64    `json:"uncertain"`
	Dead          int64    `json:"dead"`
	OldestReadyMS *int64   `json:"oldest_ready_ms"`
	InPerS        *float64 `json:"in_per_s"`
	OutPerS       *float64 `json:"out_per_s"`
	FailPerS      *float64 `json:"fail_per_s"`
	DrainsMS      *int64   `json:"drains_ms"`
	Wait          Triple   `json:"wait"` // 5 minutes
	Dial          *int     `json:"dial"`
	Paused        *TopHold `json:"paused"`    // the hold on the whole queue
	Holds         int      `json:"holds"`     // all of them, also of single orgs
	TopOrg        *TopName `json:"top_org"`   // of what is ready; null: nothing is
	TopError      *TopName `json:"top_error"` // of what is dead; null: nothing is
}

// TopName is the biggest part of something and its share, 0..1.
type TopName struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
}

// TopHold says who paused something.
type TopHold struct {
	ID     string     `json:"id"`
	Owner  string     `json:"owner"`
	Reason *string    `json:"reason"`
	Since  time.Time  `json:"since"`
	Until  *time.Time `json:"until"`
}

// TopLatency is one job type, over each window of TopWindows.
type TopLatency struct {
	ID      string              `json:"id"`
	Name    string              `json:"name"`
	Windows map[string]TopTimes `json:"windows"`
}

// TopWindows lists the windows of a Top.
func TopWindows() []string { return []string{"1m", "5m", "15m", "1h", "24h"} }

// TopTimes are the three times, never mixed.
type TopTimes struct {
	Wait Triple `json:"wait"`
	Run  Triple `json:"run"`
	E2E  Triple `json:"e2e"`
}

// TopOrg is one org.
type TopOrg struct {
	ID           string              `json:"id"`
	Name         string              `json:"name"`
	Ready        int64               `json:"ready"`
	Running      int64               `json:"running"`
	Dead         int64               `json:"dead"`
	Uncertain    int64               `json:"uncertain"`
	OutPerS      *float64            `json:"out_per_s"`
	Share        *float64            `json:"share"`      // of all that is under way, 0..1
	FairShare    *float64            `json:"fair_share"` // what its weight gives it among those that have work
	Weight       int                 `json:"weight"`
	Holds        int                 `json:"holds"`
	Paused       *TopHold            `json:"paused"`
	SLA          *float64            `json:"sla"` // 0..1, one hour
	SLAObjective *float64            `json:"sla_objective"`
	Answers      int64               `json:"answers"`   // judged in that hour
	TopLimit     *TopName            `json:"top_limit"` // the fullest of its limits
	Windows      map[string]TopTimes `json:"windows"`

	OldestReadyMS *int64 `json:"oldest_ready_ms"` // null: nothing is ready
}

// TopUser is the SLA of one agent, one hour. Burnt is the share of the error
// budget that is used up; it may be above 1.
type TopUser struct {
	ID        string     `json:"id"`
	Org       string     `json:"org"`
	Name      string     `json:"name"`
	N         int64      `json:"n"`
	Met       *float64   `json:"met"` // 0..1; null: no data
	Objective float64    `json:"objective"`
	TargetMS  int64      `json:"target_ms"`
	Misses    int64      `json:"misses"`
	Pending   int64      `json:"pending"`
	AtRisk    int64      `json:"at_risk"`
	Overdue   int64      `json:"overdue"`
	Burnt     *float64   `json:"burnt"`
	P50MS     *float64   `json:"p50_ms"`
	P95MS     *float64   `json:"p95_ms"`
	WorstMS   *int64     `json:"worst_ms"`
	LastMiss  *time.Time `json:"last_miss_at"`
	Cause     *string    `json:"cause"` // of most misses: human, queue_wait, hold, limit, retries, provider
}

// TopLimit is one org's limit and how full its outgoing window is.
type TopLimit struct {
	ID       string     `json:"id"` // org/name
	Org      string     `json:"org"`
	Name     string     `json:"name"`
	Used     *int       `json:"used"`
	Max      int        `json:"max"`
	WindowMS int64      `json:"window_ms"`
	Waiting  *int64     `json:"waiting"` // ready jobs of the org, if the limit holds some of them
	ResetMS  *int64     `json:"reset_ms"`
	Source   string     `json:"source"`
	Until    *time.Time `json:"until"`
	Owner    *string    `json:"owner"`
}

// TopWorker is one process.
type TopWorker struct {
	ID        string    `json:"id"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Mode      string    `json:"mode"`
	Version   string    `json:"version"`
	State     string    `json:"state"` // ok, draining, drained, leaving (by itself), silent
	Busy      int       `json:"busy"`
	Slots     int       `json:"slots"`
	Mostly    *string   `json:"mostly"` // the type most of its slots run
	BeatAgeMS int64     `json:"beat_age_ms"`
	StartedAt time.Time `json:"started_at"`
}

// TopSeries are aligned points, oldest first; null where nothing is known.
type TopSeries struct {
	StepMS int64                 `json:"step_ms"`
	Queues map[string]TopTrack   `json:"queues"` // by id
	Types  map[string][]*float64 `json:"types"`  // P95 of e2e by id, ms
	Orgs   map[string][]*float64 `json:"orgs"`   // ready by id
}

// TopTrack is the past of one queue.
type TopTrack struct {
	Ready []*float64 `json:"ready"`
	P95MS []*float64 `json:"p95_ms"` // of wait
	In    []*float64 `json:"in_per_s"`
	Out   []*float64 `json:"out_per_s"`
}
