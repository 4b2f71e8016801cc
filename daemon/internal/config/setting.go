package config

import (
	"slices"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// Setting is one row of the table of settings.
type Setting struct {
	Key      string // path in the YAML file, parts joined by dots
	Env      string // environment variable
	Default  string // text of the default; empty: none
	Worker   string // default in mode worker where it differs
	Secret   bool   // never shown; also read from a file or a credential
	Required []Mode // modes that cannot start without it
	Live     bool   // a reload applies it; everything else needs a restart
	Doc      string // what it is for
	kind     kind
}

// Want says what a value may be, in words: "a whole number from 1 to 4096".
func (s Setting) Want() string { return s.kind.want }

// List reports whether the setting takes several values, separated by commas
// or as a YAML list.
func (s Setting) List() bool { return s.kind.list }

// FileKey is the YAML path of the name of the file that holds a secret. This
// and the next two are empty for settings that are no secrets.
func (s Setting) FileKey() string { return s.secretName(s.Key, "_file") }

// FileEnv is the environment variable with the name of that file.
func (s Setting) FileEnv() string { return s.secretName(s.Env, "_FILE") }

// Credential is the secret's name in systemd's credentials directory.
func (s Setting) Credential() string {
	return s.secretName(strings.ToLower(strings.TrimPrefix(s.Env, "INBOXD_")), "")
}

func (s Setting) secretName(name, suffix string) string {
	if !s.Secret {
		return ""
	}
	return name + suffix
}

// requiredIn takes no mode as one that is not known yet: then only what every
// mode needs is required.
func (s Setting) requiredIn(m Mode) bool {
	if m == "" {
		return len(s.Required) == 3
	}
	return slices.Contains(s.Required, m)
}

// Settings returns the table of settings in the order of the guide.
func Settings() []Setting {
	every, serving := []Mode{API, Worker, All}, []Mode{API, All}
	return slices.Concat(
		basics(every),
		listeners(every, serving),
		work(),
		meta(serving),
		pacing(),
		alerts(),
		tracing(),
		logs(),
	)
}

func basics(every []Mode) []Setting {
	return []Setting{
		{
			Key: "mode", Env: "APP_MODE", Default: "all", Required: every,
			Doc:  "The part this process plays: `api` serves the public API, the webhooks and the admin socket; `worker` runs jobs; `all` does both.",
			kind: mode(),
		}, {
			Key: "environment", Env: "INBOXD_ENVIRONMENT",
			Doc:  "Name of the installation, shown to operators as a badge, such as `production`.",
			kind: word(32, func(c *Config) *string { return &c.Environment }),
		}, {
			Key: "database.url", Env: "INBOXD_DATABASE_URL", Secret: true, Required: every,
			Doc:  "The PostgreSQL database. It holds everything; several hosts may be given, the writable one is used.",
			kind: databaseURL(),
		}, {
			Key: "redis.url", Env: "INBOXD_REDIS_URL", Secret: true,
			Doc:  "The Redis server, or the sentinels of one. Without it all jobs travel by PostgreSQL.",
			kind: redisURL(),
		}, {
			Key: "secret_key", Env: "INBOXD_SECRET_KEY", Secret: true, Required: every,
			Doc:  "Keys that encrypt channel tokens at rest. The first encrypts, all decrypt: put a new key in front to rotate.",
			kind: sealingKeys(),
		},
	}
}

func listeners(every, serving []Mode) []Setting {
	return []Setting{
		{
			Key: "listen", Env: "INBOXD_LISTEN", Default: ":8080", Required: serving,
			Doc:  "Address of the public API and the webhooks (modes `api` and `all`).",
			kind: address(func(c *Config) *string { return &c.Listen }),
		}, {
			Key: "admin.socket", Env: "INBOXD_ADMIN_SOCKET", Default: "/run/inboxd/admin.sock", Required: serving,
			Doc:  "Unix socket of the operator API (modes `api` and `all`). Whoever may open it is an administrator.",
			kind: socketPath(func(c *Config) *string { return &c.AdminSocket }),
		}, {
			Key: "admin.listen", Env: "INBOXD_ADMIN_LISTEN",
			Doc:  "Address of the operator API over TCP (modes `api` and `all`). Off unless set; callers need a token. Other than on this machine (such as 127.0.0.1:9090) it needs TLS.",
			kind: address(func(c *Config) *string { return &c.AdminListen }),
		}, {
			Key: "admin.tls_cert", Env: "INBOXD_ADMIN_TLS_CERT",
			Doc:  "File with the certificate of the operator API over TCP, and those between it and its root, as PEM. Read at the start.",
			kind: filePath(func(c *Config) *string { return &c.AdminTLSCert }),
		}, {
			Key: "admin.tls_key", Env: "INBOXD_ADMIN_TLS_KEY",
			Doc:  "File with the private key of that certificate, as PEM.",
			kind: filePath(func(c *Config) *string { return &c.AdminTLSKey }),
		}, {
			Key: "metrics.listen", Env: "INBOXD_METRICS_LISTEN", Default: "127.0.0.1:9091", Worker: "127.0.0.1:9092", Required: every,
			Doc:  "Address of `/livez`, `/readyz` and `/metrics`.",
			kind: address(func(c *Config) *string { return &c.MetricsListen }),
		}, {
			Key: "metrics.org_labels", Env: "INBOXD_METRICS_ORG_LABELS", Default: "topk",
			Doc: "Which orgs and users have series of their own: the busiest (`topk`), none (`off`) or every one that is active (`all`, for small installations only). The rest are `_other`.",
			kind: oneOf(func(c *Config, text string) { c.OrgLabels = telemetry.LabelMode(text) },
				string(telemetry.LabelsTop), string(telemetry.LabelsOff), string(telemetry.LabelsAll)),
		}, {
			Key: "metrics.top_labels", Env: "INBOXD_METRICS_TOP_LABELS", Default: "50",
			Doc:  "How many orgs, and how many users, have series of their own with `topk`. Each org costs up to 260 series.",
			kind: whole(1, 500, func(c *Config) *int { return &c.TopLabels }),
		},
	}
}

func work() []Setting {
	return []Setting{
		{
			Key: "slots", Env: "INBOXD_SLOTS", Default: "64",
			Doc:  "Most calls to Meta at once from one worker process, over both lanes.",
			kind: whole(1, 4096, func(c *Config) *int { return &c.Slots }),
		}, {
			Key: "dial", Env: "INBOXD_DIAL", Default: "0",
			Doc:  "Percent of the conversations whose jobs travel by Redis; the rest travel by PostgreSQL. Without Redis it is 0.",
			kind: whole(0, 100, func(c *Config) *int { return &c.Dial }),
		}, {
			Key: "drain", Env: "INBOXD_DRAIN", Default: "20s",
			Doc:  "How long running jobs and requests may take to end when the process stops. Keep it below the stop timeout of systemd or Kubernetes.",
			kind: duration(time.Second, 10*time.Minute, func(c *Config) *time.Duration { return &c.Drain }),
		}, {
			Key: "history_days", Env: "INBOXD_HISTORY_DAYS", Default: "90", Live: true,
			Doc:  "How many days finished jobs and their events are kept. They go a day at a time; messages and conversations stay.",
			kind: whole(7, 3650, func(c *Config) *int { return &c.HistoryDays }),
		},
	}
}

func meta(serving []Mode) []Setting {
	return []Setting{
		{
			Key: "meta.graph_url", Env: "INBOXD_META_GRAPH_URL", Default: "https://graph.facebook.com",
			Doc:  "Meta's Graph API, for WhatsApp.",
			kind: baseURL(func(c *Config) *string { return &c.Meta.GraphURL }),
		}, {
			Key: "meta.instagram_url", Env: "INBOXD_META_INSTAGRAM_URL", Default: "https://graph.instagram.com",
			Doc:  "Meta's Graph API, for Instagram.",
			kind: baseURL(func(c *Config) *string { return &c.Meta.InstagramURL }),
		}, {
			Key: "meta.graph_version", Env: "INBOXD_META_GRAPH_VERSION", Default: "v26.0",
			Doc:  "Version of the Graph API to speak.",
			kind: graphVersion(func(c *Config) *string { return &c.Meta.GraphVersion }),
		}, {
			Key: "meta.app_id", Env: "INBOXD_META_APP_ID",
			Doc:  "Id of your Meta app. With it and the app secret a worker renews Facebook and system-user tokens; Instagram tokens need neither.",
			kind: digits(func(c *Config) *string { return &c.Meta.AppID }),
		}, {
			Key: "meta.app_secret", Env: "INBOXD_META_APP_SECRET", Secret: true, Required: serving,
			Doc:  "Secrets of your Meta app; they prove that a webhook comes from Meta. All are tried, so a new one can be added before the old one goes.",
			kind: secretList(func(c *Config) *[]secret.String { return &c.Meta.AppSecrets }),
		}, {
			Key: "meta.verify_token", Env: "INBOXD_META_VERIFY_TOKEN", Secret: true, Required: serving,
			Doc:  "The word you typed into Meta's webhook form; Meta repeats it when it verifies the address.",
			kind: secretText(func(c *Config) *secret.String { return &c.Meta.VerifyToken }),
		},
	}
}

func pacing() []Setting {
	return []Setting{
		{
			Key: "meta.number_rate", Env: "INBOXD_META_NUMBER_RATE", Default: "80",
			Doc:  "Most messages per second by one WhatsApp number, over all processes. Raise it when Meta has raised the number's throughput.",
			kind: whole(1, 1000, func(c *Config) *int { return &c.Meta.NumberRate }),
		}, {
			Key: "meta.pair_interval", Env: "INBOXD_META_PAIR_INTERVAL", Default: "6s",
			Doc:  "Time between two WhatsApp messages to one customer, on average.",
			kind: duration(100*time.Millisecond, time.Minute, func(c *Config) *time.Duration { return &c.Meta.PairInterval }),
		}, {
			Key: "meta.pair_burst", Env: "INBOXD_META_PAIR_BURST", Default: "5",
			Doc:  "How many WhatsApp messages to one customer may leave at once before the interval holds.",
			kind: whole(1, 45, func(c *Config) *int { return &c.Meta.PairBurst }),
		},
	}
}

func alerts() []Setting {
	return []Setting{
		{
			Key: "alert.webhook_url", Env: "INBOXD_ALERT_WEBHOOK_URL", Secret: true,
			Doc:  "Address that is told of alerts, for those who have no Alertmanager (modes `api` and `all`). It gets a POST of JSON with a `text`, as Slack and Mattermost take it. Empty: nobody is told.",
			kind: webhookURL(func(c *Config) *secret.String { return &c.Alert.WebhookURL }),
		}, {
			Key: "alert.webhook_header", Env: "INBOXD_ALERT_WEBHOOK_HEADER", Secret: true,
			Doc:  "Header of those calls, for a webhook that wants to know who calls.",
			kind: header(func(c *Config) *secret.String { return &c.Alert.WebhookHeader }),
		}, {
			Key: "alert.repeat", Env: "INBOXD_ALERT_REPEAT", Default: "4h",
			Doc:  "How long an alert that goes on, and that nobody has acknowledged or muted, is not told again.",
			kind: duration(10*time.Minute, 7*24*time.Hour, func(c *Config) *time.Duration { return &c.Alert.Repeat }),
		},
	}
}

func tracing() []Setting {
	return []Setting{
		{
			Key: "tracing.endpoint", Env: "INBOXD_TRACING_ENDPOINT",
			Doc:  "Base URL of an OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318. Without it nothing is traced.",
			kind: collectorURL(func(c *Config) *string { return &c.Tracing.Endpoint }),
		}, {
			Key: "tracing.share", Env: "INBOXD_TRACING_SHARE", Default: "0.1",
			Doc:  "Which share of the webhooks and API requests is traced, with all that follows from them. A caller that sends `traceparent` decides by itself.",
			kind: share(func(c *Config) *float64 { return &c.Tracing.Share }),
		},
	}
}

func logs() []Setting {
	return []Setting{
		{
			Key: "log.level", Env: "INBOXD_LOG_LEVEL", Default: "info", Live: true,
			Doc:  "The least important lines to log.",
			kind: logLevel(),
		}, {
			Key: "log.format", Env: "INBOXD_LOG_FORMAT", Default: "json",
			Doc:  "Form of the log lines.",
			kind: oneOf(func(c *Config, text string) { c.LogFormat = text }, "json", "text"),
		},
	}
}
