package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/bandeja/inboxd/daemon/internal/config"
	"github.com/bandeja/inboxd/daemon/internal/secret"
)

// The safest place that has a secret wins, and what is passed over is said.
func TestSecretsComeFromTheSafestPlace(t *testing.T) {
	t.Parallel()
	disk := files{
		"/run/credentials/inboxd/meta_verify_token": "from-credential\n",
		"/etc/inboxd/token":                         "from-file\r\n",
		"c.yaml":                                    "meta: {verify_token: from-yaml}\n",
		"f.yaml":                                    "meta: {verify_token_file: /etc/inboxd/token}\n",
	}
	const (
		credentials = "CREDENTIALS_DIRECTORY=/run/credentials/inboxd"
		file        = "INBOXD_META_VERIFY_TOKEN_FILE=/etc/inboxd/token"
	)
	cases := []struct {
		name    string
		options config.Options
		want    secret.String
		warning string
	}{
		{"Credential", config.Options{Environ: complete(credentials, file)}, "from-credential", "INBOXD_META_VERIFY_TOKEN_FILE is ignored: the systemd credential meta_verify_token is used"},
		{"File", config.Options{Environ: complete(file)}, "from-file", "INBOXD_META_VERIFY_TOKEN is ignored: INBOXD_META_VERIFY_TOKEN_FILE is used"},
		{"Environment", config.Options{Environ: complete()}, "verify-me", "INBOXD_META_VERIFY_TOKEN is a secret in the environment: prefer INBOXD_META_VERIFY_TOKEN_FILE or the systemd credential meta_verify_token"},
		{"EnvironmentOverYAML", config.Options{Environ: complete(), ConfigPath: "c.yaml"}, "verify-me", "in the environment"},
		{"YAML", config.Options{Environ: complete("INBOXD_META_VERIFY_TOKEN="), ConfigPath: "c.yaml"}, "verify-me", ""},
		{"FileNamedInYAML", config.Options{Environ: complete(), ConfigPath: "f.yaml"}, "from-file", "INBOXD_META_VERIFY_TOKEN is ignored"},
		{"Flag", config.Options{Environ: complete(credentials, file), Flags: map[string]string{"meta.verify_token": "from-flag"}}, "from-flag", ""},
		{"NoSuchCredential", config.Options{Environ: complete("CREDENTIALS_DIRECTORY=/elsewhere")}, "verify-me", "in the environment"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.options.ReadFile = disk.read
			got, warnings, err := config.Load(c.options)
			require.NoError(t, err)
			require.Equal(t, c.want.Reveal(), got.Meta.VerifyToken.Reveal())
			require.Contains(t, strings.Join(warnings, "\n"), c.warning)
		})
	}
}

func TestSecretInTheYAMLFileIsWarnedOf(t *testing.T) {
	t.Parallel()
	_, warnings, err := loadYAML("mode: worker\nsecret_key: "+sealingKey+"\ndatabase: {url: 'postgres://u:p@db/x'}\n", "PATH=/bin")
	require.NoError(t, err)
	require.Equal(t, config.Warnings{
		"INBOXD_DATABASE_URL is a secret in the configuration file: prefer INBOXD_DATABASE_URL_FILE or the systemd credential database_url",
		"INBOXD_SECRET_KEY is a secret in the configuration file: prefer INBOXD_SECRET_KEY_FILE or the systemd credential secret_key",
	}, warnings)
}

func TestUnreadableSecretsAreFaults(t *testing.T) {
	t.Parallel()
	disk := files{"/empty": " \n", "/bad": "canary canary", "/run/c/secret_key": "canary", "c.yaml": "meta: {app_secret_file: /none}\n"}
	read := func(path string) ([]byte, error) {
		if path == "/run/c/redis_url" {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
		}
		return disk.read(path)
	}
	_, _, err := config.Load(config.Options{ReadFile: read, ConfigPath: "c.yaml", Environ: []string{
		"CREDENTIALS_DIRECTORY=/run/c", "INBOXD_DATABASE_URL_FILE=/empty", "INBOXD_META_VERIFY_TOKEN_FILE=/bad",
	}})
	require.EqualError(t, err, strings.TrimSpace(`
INBOXD_DATABASE_URL (INBOXD_DATABASE_URL_FILE): got "/empty" (empty): want a file that holds a PostgreSQL URL such as postgres://inboxd@db.example.com/inboxd
INBOXD_REDIS_URL (systemd credential redis_url): got "/run/c/redis_url" (permission denied): want a readable file
INBOXD_SECRET_KEY (systemd credential secret_key): got [redacted]: want base64 of 32 bytes (openssl rand -base64 32), several separated by commas (key 1: it is not base64)
INBOXD_META_APP_SECRET (meta.app_secret_file in c.yaml, line 1): got "/none" (file does not exist): want a readable file
INBOXD_META_VERIFY_TOKEN (INBOXD_META_VERIFY_TOKEN_FILE): got [redacted]: want a word without spaces
`))
}

// Whatever prints the settings shows all of them and no secret.
func TestConfigShowsNoSecret(t *testing.T) {
	t.Parallel()
	// Each secret holds the word, in a form its setting takes.
	c, warnings, err := load(complete(
		"INBOXD_DATABASE_URL=postgres://u:canary@db/x", "INBOXD_REDIS_URL=rediss://app:canary@cache/0",
		"INBOXD_SECRET_KEY=canarycanarycanarycanarycanarycanarycanary0=", "INBOXD_META_APP_SECRET=canary-1,canary-2",
		"INBOXD_META_VERIFY_TOKEN=canary-3", "INBOXD_ALERT_WEBHOOK_URL=https://hooks.example.com/canary-4", "INBOXD_ALERT_WEBHOOK_HEADER=X-Key: canary-5", "INBOXD_ENVIRONMENT=staging",
	))
	require.NoError(t, err)
	require.Len(t, c.Meta.AppSecrets, 2)

	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).InfoContext(t.Context(), "settings", "config", c, "warnings", warnings)
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	for _, s := range config.Settings() {
		value := line["config"]
		for part := range strings.SplitSeq(s.Key, ".") {
			section, ok := value.(map[string]any)
			require.True(t, ok, s.Key)
			value = section[part]
		}
		require.NotNil(t, value, "%s is not logged", s.Key)
		if s.Secret {
			require.Equal(t, "[redacted]", value, s.Key)
		}
	}

	slog.New(slog.NewTextHandler(&out, nil)).InfoContext(t.Context(), "settings", "config", c)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		fmt.Fprintf(&out, verb, c)
		fmt.Fprintf(&out, verb, &c)
	}
	var whole any = c // Nobody should encode a Config; whoever does must not leak.
	require.NoError(t, json.NewEncoder(&out).Encode(whole))
	require.NoError(t, yaml.NewEncoder(&out).Encode(whole))
	require.Contains(t, out.String(), "staging")
	require.NotContains(t, out.String(), "canary")
	require.NotContains(t, out.String(), fmt.Sprintf("%x", "canary"))
}
