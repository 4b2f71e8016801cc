package admin

import "time"

// Status is the one screen that says whether all is well. Queues is null if the
// ledger has not answered since the server started; Holds, Throttled and Alerts
// are null if they are not known, Processes for a token that is bound to an org.
type Status struct {
	Healthy     bool      `json:"healthy"`
	Version     string    `json:"version"`
	Environment string    `json:"environment"`
	MetricsURL  *string   `json:"metrics_url"`
	APIURL      *string   `json:"api_url"`
	Queues      []Queue   `json:"queues"`
	Processes   []Process `json:"processes"`
	Parts       []Part    `json:"parts"`

	Holds     []Hold           `json:"holds"`
	Throttled []ThrottledLimit `json:"throttled"`
	Alerts    []Alert          `json:"alerts"` // what is wrong now, worst first
}

// ThrottledLimit is a limit that an org with ready jobs has used up; Bulk, only
// the part of it that bulk work may use. Of many orgs only the first hundred that
// wait are looked at.
type ThrottledLimit struct {
	Org         string `json:"org"`
	Name        string `json:"name"`
	Queue       string `json:"queue"`
	Bulk        bool   `json:"bulk"`
	Value       int    `json:"value"`
	WindowMS    int64  `json:"window_ms"`
	NextTokenMS int64  `json:"next_token_ms"`
}

// Queue is one queue: how many jobs are in each state, how old the oldest ready
// one is, what comes and goes, and how long it takes. Retrying counts those of
// Scheduled that have been tried. Dial is the share (percent) that travels by
// Redis now. Paused means that the whole queue is held; Holds counts all holds
// on it, also those of one org or type, and is null if not known.
type Queue struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Dial          *int     `json:"dial"`
	Paused        bool     `json:"paused"`
	Holds         *int     `json:"holds"`
	Ready         int64    `json:"ready"`
	Scheduled     int64    `json:"scheduled"`
	Retrying      int64    `json:"retrying"`
	Dispatched    int64    `json:"dispatched"`
	Running       int64    `json:"running"`
	Uncertain     int64    `json:"uncertain"`
	Held          int64    `json:"held"`
	Dead          int64    `json:"dead"`
	OldestReadyMS *int64   `json:"oldest_ready_ms"`
	InPerS        *float64 `json:"in_per_s"`
	DonePerS      *float64 `json:"done_per_s"`
	Latency       Latency  `json:"latency"`
}

// Latency holds the three times of recent work, never mixed: Wait (an attempt
// became ready to its start), Run (its start to its outcome), E2E (a job's
// creation to its end). WindowMS is how far back recent reaches; a server that
// does not say leaves it 0.
type Latency struct {
	Wait Percentiles `json:"wait"`
	Run  Percentiles `json:"run"`
	E2E  Percentiles `json:"e2e"`

	WindowMS int64 `json:"window_ms"`
}

// Percentiles come with the number of samples; they are null only without any.
type Percentiles struct {
	N     int64    `json:"n"`
	P50MS *float64 `json:"p50_ms"`
	P95MS *float64 `json:"p95_ms"`
	P99MS *float64 `json:"p99_ms"`
}

// Process is one running inboxd. Slots are for sends.
type Process struct {
	ID        string    `json:"id"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Mode      string    `json:"mode"`
	Version   string    `json:"version"`
	Slots     int       `json:"slots"`
	BeatAgeMS int64     `json:"beat_age_ms"`
	Draining  bool      `json:"draining"`
	StartedAt time.Time `json:"started_at"`

	BackgroundSlots int     `json:"background_slots"` // for work that is no send
	Running         *int    `json:"running"`          // jobs, of both kinds
	ControlVersion  *int64  `json:"control_version"`  // the newest change it has applied
	Mostly          *string `json:"mostly"`           // the job type most of them are; null: nothing runs
	DrainedBy       *string `json:"drained_by"`       // who drains it; null: nobody, or it is leaving by itself
}

// Part is something the server depends on. Error says why it is not OK.
type Part struct {
	Name  string  `json:"name"`
	OK    bool    `json:"ok"`
	Error *string `json:"error"`

	TookMS *float64 `json:"took_ms"` // of one question
}

// Version is the server's version.
type Version struct {
	Version string `json:"version"`
}
