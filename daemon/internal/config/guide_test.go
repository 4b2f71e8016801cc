package config_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/config"
)

var update = flag.Bool("update", false, "write the table of settings into docs/configure.md")

const (
	guidePath   = "../../../docs/configure.md"
	examplePath = "../../../configs/inboxd.example.yaml"
)

// The guide must not promise a default that is not one. Run with -update after
// a change to the table of settings.
func TestGuideIsUpToDate(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(guidePath)
	require.NoError(t, err)
	section := regexp.MustCompile(`(?s)(<!-- settings: [^\n]*-->\n).*(<!-- end of settings -->)`)
	require.Regexp(t, section, string(data))
	want := section.ReplaceAllStringFunc(string(data), func(old string) string {
		parts := section.FindStringSubmatch(old)
		return parts[1] + settingsTable() + parts[2]
	})
	if *update {
		require.NoError(t, os.WriteFile(guidePath, []byte(want), 0o600))
		return
	}
	require.Empty(t, cmp.Diff(string(data), want), "run go test ./daemon/internal/config -run Guide -update")
}

func settingsTable() string {
	var out strings.Builder
	out.WriteString("| Variable | YAML key | Default | Value | What it is for |\n|---|---|---|---|---|\n")
	for _, s := range config.Settings() {
		fmt.Fprintf(&out, "| %s | `%s` | %s | %s | %s%s |\n", names(s), s.Key, defaultOf(s), s.Want(), s.Doc, needs(s))
	}
	return out.String()
}

func names(s config.Setting) string {
	if !s.Secret {
		return "`" + s.Env + "`"
	}
	return fmt.Sprintf("`%s`<br>`%s`<br>credential `%s`", s.Env, s.FileEnv(), s.Credential())
}

func defaultOf(s config.Setting) string {
	switch {
	case s.Default == "":
		return "–"
	case s.Worker != "":
		return fmt.Sprintf("`%s`, in mode worker `%s`", s.Default, s.Worker)
	}
	return "`" + s.Default + "`"
}

func needs(s config.Setting) string {
	switch {
	case s.Live:
		return " Changes on reload."
	case s.Default != "" || len(s.Required) == 0:
		return ""
	case len(s.Required) == 3:
		return " **Required.**"
	}
	return " **Required in modes api and all.**"
}

// The example is what people copy: it must load as it is, and show everything.
func TestExampleLoads(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(examplePath)
	require.NoError(t, err)
	got, warnings, err := loadYAML(string(data), complete()...)
	require.NoError(t, err)
	want, _, err := load(complete())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(got, want), "what the example sets are the defaults")
	require.Len(t, warnings, 3, "only those of secrets in the environment")
}

func TestExampleShowsEverySetting(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(examplePath)
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^( *)#([a-z_]+:)`).ReplaceAllString(string(data), "$1$2")
	disk := files{
		"c.yaml":                                   "",
		"/etc/inboxd/secrets/database_url":         "postgres://db/x",
		"/etc/inboxd/secrets/redis_url":            "redis://cache",
		"/etc/inboxd/secrets/secret_key":           sealingKey,
		"/etc/inboxd/secrets/meta_app_secret":      "a",
		"/etc/inboxd/secrets/meta_verify_token":    "b",
		"/etc/inboxd/secrets/alert_webhook_url":    "https://hooks.example.com/x",
		"/etc/inboxd/secrets/alert_webhook_header": "X-Key: c",
	}
	disk["c.yaml"] = lines
	_, _, err = config.Load(config.Options{ConfigPath: "c.yaml", ReadFile: disk.read})
	require.NoError(t, err)
	// Secrets in clear are placeholders that must not work: whoever forgets to
	// replace one would run with a secret that everybody knows.
	clear := regexp.MustCompile(`(?m)^ *[a-z_]+_file:.*$`).ReplaceAllString(lines, "")
	_, _, err = loadYAML(clear)
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 5)
	for _, f := range faults {
		require.Equal(t, "[redacted]", f.Got, f.Setting)
	}
	for _, s := range config.Settings() {
		last := s.Key[strings.LastIndex(s.Key, ".")+1:]
		require.Regexp(t, `(?m)^ *`+last+`: \S`, lines, s.Key)
		if s.Secret {
			require.Regexp(t, `(?m)^ *`+last+`_file: \S`, lines, s.Key)
		}
	}
}

// One name in another's section would make a YAML file ambiguous.
func TestSettingsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		require.Regexp(t, `^(APP_MODE|INBOXD_[A-Z_]+)$`, s.Env)
		require.Regexp(t, `^[a-z_]+(\.[a-z_]+)?$`, s.Key)
		require.Regexp(t, `\.$`, s.Doc)
		require.NotEmpty(t, s.Want(), s.Key)
		for _, name := range []string{s.Key, s.Env, s.FileKey(), s.FileEnv()} {
			require.False(t, name != "" && seen[name], name)
			seen[name] = true
		}
		section, _, nested := strings.Cut(s.Key, ".")
		require.False(t, nested && seen[section], s.Key)
	}
}
