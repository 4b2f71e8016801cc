// Package config reads the settings of a process: defaults, then a YAML file,
// then the environment, then flags, with secrets from systemd credentials and
// files. One table (Settings) holds every name, default and range; the reader,
// the guide and the example file all follow it. It owns what a value may be; it
// refuses to connect to anything.
package config

import (
	"log/slog"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// Mode is the part of inboxd a process plays.
type Mode string

// The modes. All is API and worker in one process.
const (
	API    Mode = "api"
	Worker Mode = "worker"
	All    Mode = "all"
)

// ServesAPI reports whether the process has the public and the admin listener.
func (m Mode) ServesAPI() bool { return m == API || m == All }

// RunsJobs reports whether the process runs jobs.
func (m Mode) RunsJobs() bool { return m == Worker || m == All }

// Config is every setting of a process, checked. Load fills it. Printing or
// logging it shows no secret.
type Config struct {
	Mode        Mode
	Environment string // badge for operators, may be empty

	DatabaseURL secret.String
	Redis       Redis
	SecretKeys  []secret.String // base64 of 32 bytes each; the first seals

	Listen        string // host:port of the public API
	AdminSocket   string // absolute path
	AdminListen   string // host:port, loopback unless there is TLS; empty: none
	AdminTLSCert  string // files; both or neither
	AdminTLSKey   string
	MetricsListen string // host:port

	OrgLabels telemetry.LabelMode // which names become label values of metrics
	TopLabels int                 // how many of them, 1..500

	Slots int           // outside calls at once, 1..4096
	Dial  int           // percent of conversations on the redis lane, 0..100; 0 without Redis
	Drain time.Duration // how long running jobs and requests may take to end at stop

	HistoryDays int // how long finished jobs are kept, 7..3650

	Alert   Alert
	Tracing Tracing

	Meta      Meta
	LogLevel  slog.Level
	LogFormat string // json or text
}

// Alert is how people are told of alerts.
type Alert struct {
	WebhookURL    secret.String // empty: they are not
	WebhookHeader secret.String // "Name: value" of every call; may be empty
	Repeat        time.Duration // until what still fires is told again
}

// LogValue gives every setting under its YAML key, without secrets.
func (a Alert) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("webhook_url", shown(a.WebhookURL)),
		slog.Any("webhook_header", shown(a.WebhookHeader)),
		slog.String("repeat", a.Repeat.String()),
	)
}

// Tracing says where traces go, and which.
type Tracing struct {
	Endpoint string  // base URL without a slash at the end; empty: nowhere, nothing is traced
	Share    float64 // of the requests that begin a trace, 0..1

	Header map[string]secret.String // of every call of the collector, by name
}

// Meta is how to reach Meta's Graph API, and who we are there.
type Meta struct {
	GraphURL     string // no slash at the end
	InstagramURL string // no slash at the end
	GraphVersion string // as in the path: v26.0
	AppID        string // may be empty
	AppSecrets   []secret.String
	VerifyToken  secret.String
	NumberRate   int           // messages per second by one WhatsApp number, 1..1000
	PairInterval time.Duration // between two messages to one customer
	PairBurst    int           // of messages to one customer, 1..45
}

// Redis says where Redis is. The zero value means there is none.
type Redis struct {
	URL      secret.String
	Addrs    []string // host:port: one server, or the sentinels
	Master   string   // the sentinels' name for the master; empty: no sentinel
	Username string
	Password secret.String
	DB       int
	TLS      bool
}

// Configured reports whether there is a Redis.
func (r Redis) Configured() bool { return len(r.Addrs) > 0 }

// LogValue gives every setting under its YAML key. Secrets read "[redacted]",
// or nothing if they are not set.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("mode", string(c.Mode)),
		slog.String("environment", c.Environment),
		slog.Group("database", "url", shown(c.DatabaseURL)),
		slog.Group("redis", "url", shown(c.Redis.URL)),
		slog.Any("secret_key", shown(c.SecretKeys...)),
		slog.String("listen", c.Listen),
		slog.Group("admin", "socket", c.AdminSocket, "listen", c.AdminListen, "tls_cert", c.AdminTLSCert, "tls_key", c.AdminTLSKey),
		slog.Group("metrics", "listen", c.MetricsListen, "org_labels", string(c.OrgLabels), "top_labels", c.TopLabels),
		slog.Group("tracing", "endpoint", c.Tracing.Endpoint, "share", c.Tracing.Share),
		slog.Int("slots", c.Slots),
		slog.Int("dial", c.Dial),
		slog.String("drain", c.Drain.String()),
		slog.Int("history_days", c.HistoryDays),
		slog.Group("log", "level", c.LogLevel.String(), "format", c.LogFormat), //nolint:sloglint // log.level, in a group of its own
		slog.Any("alert", c.Alert),
		slog.Any("meta", c.Meta),
	)
}

// LogValue gives every setting under its YAML key, without secrets.
func (m Meta) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("graph_url", m.GraphURL),
		slog.String("instagram_url", m.InstagramURL),
		slog.String("graph_version", m.GraphVersion),
		slog.String("app_id", m.AppID),
		slog.Any("app_secret", shown(m.AppSecrets...)),
		slog.Any("verify_token", shown(m.VerifyToken)),
		slog.Int("number_rate", m.NumberRate),
		slog.String("pair_interval", m.PairInterval.String()),
		slog.Int("pair_burst", m.PairBurst),
	)
}

// shown keeps apart what is hidden and what is not set.
func shown(secrets ...secret.String) any {
	for _, s := range secrets {
		if s != "" {
			return s
		}
	}
	return ""
}
