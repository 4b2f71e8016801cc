package config_test

import (
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/config"
	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sealingKey = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	otherKey   = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
)

// complete is the least environment in which every mode starts.
func complete(more ...string) []string {
	return append([]string{
		"PATH=/bin",
		"INBOXD_DATABASE_URL=postgres://db.example.com/inboxd",
		"INBOXD_SECRET_KEY=" + sealingKey,
		"INBOXD_META_APP_SECRET=app-secret",
		"INBOXD_META_VERIFY_TOKEN=verify-me",
	}, more...)
}

// files is a file system in memory.
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	if text, ok := f[path]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func load(environ []string) (config.Config, config.Warnings, error) {
	return config.Load(config.Options{Environ: environ, ReadFile: files{}.read})
}

func loadYAML(text string, environ ...string) (config.Config, config.Warnings, error) {
	return config.Load(config.Options{
		ConfigPath: "/etc/inboxd/inboxd.yaml", Environ: environ, ReadFile: files{"/etc/inboxd/inboxd.yaml": text}.read,
	})
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, _, err := load(complete())
	require.NoError(t, err)
	want := config.Config{
		Mode:          config.All,
		DatabaseURL:   "postgres://db.example.com/inboxd",
		SecretKeys:    []secret.String{sealingKey},
		Listen:        ":8080",
		AdminSocket:   "/run/inboxd/admin.sock",
		MetricsListen: "127.0.0.1:9091",
		OrgLabels:     telemetry.LabelsTop,
		TopLabels:     50,
		Tracing:       config.Tracing{Share: 0.1},
		Slots:         64,
		Drain:         20 * time.Second,
		Alert:         config.Alert{Repeat: 4 * time.Hour},
		Meta: config.Meta{
			GraphURL: "https://graph.facebook.com", InstagramURL: "https://graph.instagram.com", GraphVersion: "v26.0",
			AppSecrets: []secret.String{"app-secret"}, VerifyToken: "verify-me",
			NumberRate: 80, PairInterval: 6 * time.Second, PairBurst: 5,
		},
		LogLevel:    slog.LevelInfo,
		HistoryDays: 90,
		LogFormat:   "json",
	}
	require.Empty(t, cmp.Diff(got, want))
}

// A worker beside an api on one machine must start without a word of
// configuration more.
func TestWorkerHasItsOwnMetricsPort(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{"api": "127.0.0.1:9091", "worker": "127.0.0.1:9092", "all": "127.0.0.1:9091"} {
		got, _, err := load(complete("APP_MODE=" + mode))
		require.NoError(t, err)
		require.Equal(t, want, got.MetricsListen, mode)
	}
	got, _, err := load(complete("APP_MODE=worker", "INBOXD_METRICS_LISTEN=127.0.0.1:7000"))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:7000", got.MetricsListen)
}

func TestLayersWinInOrder(t *testing.T) {
	t.Parallel()
	o := config.Options{ReadFile: files{"c.yaml": "slots: 2\n"}.read, Environ: complete()}
	slots := func() int {
		got, _, err := config.Load(o)
		require.NoError(t, err)
		return got.Slots
	}
	require.Equal(t, 64, slots())
	o.ConfigPath = "c.yaml"
	require.Equal(t, 2, slots())
	o.Environ = complete("INBOXD_SLOTS=3")
	require.Equal(t, 3, slots())
	o.Flags = map[string]string{"slots": "4"}
	require.Equal(t, 4, slots())
}

func TestEmptyMeansNotSet(t *testing.T) {
	t.Parallel()
	got, _, err := loadYAML("slots: 7\nlisten: \"\"\ndial: ~\nmeta:\nadmin: {}\nlog:\n  level:\n", complete("INBOXD_SLOTS=", "INBOXD_REDIS_URL=")...)
	require.NoError(t, err)
	require.Equal(t, 7, got.Slots)
	require.Equal(t, ":8080", got.Listen)
	require.False(t, got.Redis.Configured())
}

// One run of check-config must be enough: whoever repairs one fault must not
// meet the next one at the next start.
func TestEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	_, _, err := load([]string{
		"APP_MODE=apy", "INBOXD_SLOTS=many", "INBOXD_DIAL=101", "INBOXD_DRAIN=20", "INBOXD_SECRET_KEY=canary",
		"INBOXD_REDIS_URL=http://user:canary@host", "INBOXD_LISTEN=8080", "INBOXD_ADMIN_LISTEN=0.0.0.0:9000", "INBOXD_ADMIN_SOCKET=admin.sock",
		"INBOXD_META_GRAPH_URL=https://user:canary@graph.example.com", "INBOXD_META_INSTAGRAM_URL=http://graph.example.com",
		"INBOXD_META_GRAPH_VERSION=26.0", "INBOXD_META_APP_ID=my app", "INBOXD_LOG_LEVEL=loud", "INBOXD_LOG_FORMAT=xml", "INBOXD_ENVIRONMENT=a b",
	})
	want := strings.TrimSpace(`
APP_MODE: got "apy": want api, worker or all
INBOXD_ENVIRONMENT: got "a b": want 1 to 32 letters, digits, dots, underscores or hyphens
INBOXD_DATABASE_URL: got nothing: want a PostgreSQL URL such as postgres://inboxd@db.example.com/inboxd
INBOXD_REDIS_URL: got [redacted]: want a Redis URL such as redis://cache.example.com:6379/0, rediss:// for TLS, or redis+sentinel://host:26379,host:26379/0?master=name
INBOXD_SECRET_KEY: got [redacted]: want base64 of 32 bytes (openssl rand -base64 32), several separated by commas (key 1: it is not base64)
INBOXD_LISTEN: got "8080": want an address such as :8080 or 127.0.0.1:8080
INBOXD_ADMIN_SOCKET: got "admin.sock": want an absolute path of at most 107 bytes
INBOXD_SLOTS: got "many": want a whole number from 1 to 4096
INBOXD_DIAL: got "101": want a whole number from 0 to 100
INBOXD_DRAIN: got "20": want a duration from 1s to 10m, such as 20s or 1m30s
INBOXD_META_GRAPH_URL: got [redacted]: want an https URL without user, query or fragment (http only to this machine)
INBOXD_META_INSTAGRAM_URL: got "http://graph.example.com": want an https URL without user, query or fragment (http only to this machine)
INBOXD_META_GRAPH_VERSION: got "26.0": want a Graph API version such as v26.0
INBOXD_META_APP_ID: got "my app": want a number of up to 32 digits
INBOXD_LOG_LEVEL: got "loud": want debug, info, warn or error
INBOXD_LOG_FORMAT: got "xml": want json or text
INBOXD_ADMIN_LISTEN: got "0.0.0.0:9000": want an address on this machine only, such as 127.0.0.1:9090, or TLS (INBOXD_ADMIN_TLS_CERT and INBOXD_ADMIN_TLS_KEY)
`)
	require.Equal(t, want, err.Error())
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 17)
	require.NotContains(t, err.Error(), "canary")
}

func TestRequiredPerMode(t *testing.T) {
	t.Parallel()
	missing := func(mode string) []string {
		_, _, err := load([]string{"APP_MODE=" + mode})
		var faults config.Faults
		require.ErrorAs(t, err, &faults)
		var names []string
		for _, f := range faults {
			require.Equal(t, "nothing", f.Got)
			names = append(names, f.Setting)
		}
		return names
	}
	serving := []string{"INBOXD_DATABASE_URL", "INBOXD_SECRET_KEY", "INBOXD_META_APP_SECRET", "INBOXD_META_VERIFY_TOKEN"}
	require.Equal(t, serving, missing("api"))
	require.Equal(t, serving, missing("all"))
	require.Equal(t, []string{"INBOXD_DATABASE_URL", "INBOXD_SECRET_KEY"}, missing("worker"))
}

func TestUnknownVariablesAreWarnedOf(t *testing.T) {
	t.Parallel()
	_, warnings, err := load(complete("INBOXD_SLOTZ=3", "INBOXD_XYZZY=1", "INBOXD_LISTEN_FILE=x", "OTHER=1", "inboxd_slots=1"))
	require.NoError(t, err)
	require.Equal(t, config.Warnings{
		"INBOXD_LISTEN_FILE is no setting of inboxd and is ignored",
		"INBOXD_SLOTZ is no setting of inboxd and is ignored; did you mean INBOXD_SLOTS?",
		"INBOXD_XYZZY is no setting of inboxd and is ignored",
	}, warnings[:3])
}

func TestUnknownFlagIsAFault(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load(config.Options{Environ: complete(), Flags: map[string]string{"slotz": "1", "dial": "x"}})
	require.EqualError(t, err, "slotz (flag): got an unknown key: want a setting\nINBOXD_DIAL (flag): got \"x\": want a whole number from 0 to 100")
}

func TestDialNeedsRedis(t *testing.T) {
	t.Parallel()
	got, warnings, err := load(complete("INBOXD_DIAL=50"))
	require.NoError(t, err)
	require.Zero(t, got.Dial)
	require.Contains(t, strings.Join(warnings, "\n"), "INBOXD_DIAL has no effect without INBOXD_REDIS_URL")
	got, _, err = load(complete("INBOXD_DIAL=50", "INBOXD_REDIS_URL=redis://127.0.0.1:6379/0"))
	require.NoError(t, err)
	require.Equal(t, 50, got.Dial)
}

func TestListenersMustDiffer(t *testing.T) {
	t.Parallel()
	cases := []struct {
		environ []string
		want    string
	}{
		{[]string{"INBOXD_LISTEN=127.0.0.1:9091"}, `INBOXD_LISTEN and INBOXD_METRICS_LISTEN: got "127.0.0.1:9091" and "127.0.0.1:9091": want two different ports`},
		{[]string{"INBOXD_LISTEN=:9091"}, "INBOXD_LISTEN and INBOXD_METRICS_LISTEN"},
		{[]string{"INBOXD_LISTEN=0.0.0.0:9091"}, "INBOXD_LISTEN and INBOXD_METRICS_LISTEN"},
		{[]string{"INBOXD_LISTEN=[::]:9091"}, "INBOXD_LISTEN and INBOXD_METRICS_LISTEN"},
		{[]string{"INBOXD_LISTEN=localhost:9091"}, "INBOXD_LISTEN and INBOXD_METRICS_LISTEN"},
		{[]string{"INBOXD_ADMIN_LISTEN=127.0.0.1:8080"}, "INBOXD_LISTEN and INBOXD_ADMIN_LISTEN"},
		{[]string{"INBOXD_ADMIN_LISTEN=localhost:9091"}, "INBOXD_ADMIN_LISTEN and INBOXD_METRICS_LISTEN"},
		{[]string{"INBOXD_LISTEN=127.0.0.2:9091"}, ""},
		{[]string{"INBOXD_LISTEN=[::1]:9091"}, ""},
		{[]string{"INBOXD_LISTEN=127.0.0.1:0", "INBOXD_METRICS_LISTEN=127.0.0.1:0"}, ""},
		{[]string{"APP_MODE=worker", "INBOXD_LISTEN=127.0.0.1:9092"}, ""},
	}
	for _, c := range cases {
		_, _, err := load(complete(c.environ...))
		if c.want == "" {
			require.NoError(t, err, c.environ)
			continue
		}
		require.ErrorContains(t, err, c.want, c.environ)
	}
}
