// Package admin is the operator contract: paths, wire types, faults, the Client
// that speaks them and the file of contexts. It is the only place that knows a
// path, a header or the shape of an answer; the daemon serves it, inboxctl and
// its terminal interface use nothing else. It refuses everything but the
// standard library, and decides nothing.
//
// JSON is snake_case. Ids are strings, durations end in _ms, times are RFC 3339
// and end in _at, shares are 0..1. What is not known is null, never 0. Fields
// are only ever added.
package admin

import "time"

// Paths of the admin API.
const (
	BasePath     = "/admin/v1"
	VersionPath  = BasePath + "/version"
	StatusPath   = BasePath + "/status"
	QueuesPath   = BasePath + "/queues"
	JobsPath     = BasePath + "/jobs"
	RetryPath    = BasePath + "/jobs/retry"
	CancelPath   = BasePath + "/jobs/cancel"
	ResolvePath  = BasePath + "/jobs/resolve"
	CountPath    = BasePath + "/jobs/count"
	GroupsPath   = BasePath + "/jobs/groups"
	EventsPath   = BasePath + "/events"
	HoldsPath    = BasePath + "/holds"
	ReleasePath  = BasePath + "/holds/release"
	LimitsPath   = BasePath + "/limits"
	ResetPath    = BasePath + "/limits/reset"
	DialPath     = BasePath + "/queues/dial"
	OrgsPath     = BasePath + "/orgs"
	UsersPath    = BasePath + "/users"
	ChannelsPath = BasePath + "/channels"
	StatePath    = BasePath + "/channels/state"
	SecretPath   = BasePath + "/channels/token"
	TokensPath   = BasePath + "/tokens"
	WorkersPath  = BasePath + "/workers"
	DrainPath    = BasePath + "/workers/drain"
	HistoryPath  = BasePath + "/limits/history"
	OrgSetPath   = BasePath + "/orgs/set"
	RemovePath   = BasePath + "/channels/remove"
	OpsPath      = BasePath + "/ops"
	TopPath      = BasePath + "/top"
	LatencyPath  = BasePath + "/latency"

	TopStreamPath = BasePath + "/top/stream"

	AlertsPath    = BasePath + "/alerts"
	AlertAckPath  = BasePath + "/alerts/ack"
	AlertMutePath = BasePath + "/alerts/mute"
	AlertTestPath = BasePath + "/alerts/test"

	SLAReportPath = BasePath + "/sla/report"
	SLAMissesPath = BasePath + "/sla/misses"
	SLAAtRiskPath = BasePath + "/sla/at-risk"
	SLAPolicyPath = BasePath + "/sla/policy"

	OpenAPIPath = BasePath + "/openapi.json"
)

const (
	// DefaultSocket is where a packaged daemon listens.
	DefaultSocket = "/run/inboxd/admin.sock"
	// DefaultServer is the address used when nothing else is said.
	DefaultServer = "unix://" + DefaultSocket
	// VersionHeader carries the version of whoever sends it, both ways.
	VersionHeader = "Inboxd-Version"
	// MaxBody is the largest request body the server reads, in bytes.
	MaxBody = 1 << 20
	// MaxReason is the longest reason of a change, in bytes. Every write takes
	// one; it goes where the change is recorded.
	MaxReason = 500
)

// List is the envelope of an answer with many items. Items is null only if they
// are not known. Next is the cursor of the next page, null on the last one.
// StaleMS is how old the data was at AsOf, the server's clock.
type List[T any] struct {
	Kind    string    `json:"kind"`
	Items   []T       `json:"items"`
	Next    *string   `json:"next"`
	AsOf    time.Time `json:"as_of"`
	StaleMS int64     `json:"stale_ms"`
}

// One is the envelope of an answer with a single item.
type One[T any] struct {
	Kind    string    `json:"kind"`
	Item    T         `json:"item"`
	Next    *string   `json:"next"`
	AsOf    time.Time `json:"as_of"`
	StaleMS int64     `json:"stale_ms"`
}

// Role is what a caller may do; each role may do what the one before may.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // reads
	Operator Role = "operator" // changes work: retry, cancel, pause, limits
	Admin    Role = "admin"    // changes who there is: orgs, users, channels, tokens
)

// Allows reports whether r may do what needs role need. An unknown role allows
// nothing.
func (r Role) Allows(need Role) bool { return need.rank() > 0 && r.rank() >= need.rank() }

func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case Operator:
		return 2
	case Admin:
		return 3
	default:
		return 0
	}
}
