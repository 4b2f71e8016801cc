package config_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/bandeja/inboxd/daemon/internal/config"
	"github.com/bandeja/inboxd/daemon/internal/secret"
)

func TestYAMLSetsEverySetting(t *testing.T) {
	t.Parallel()
	got, _, err := loadYAML(`
mode: worker
environment: staging
database: {url: "postgres://u:p@db/inboxd"}
redis:
  url: redis://127.0.0.1
secret_key:
  - ` + otherKey + `
  - ` + sealingKey + `
slots: 8
dial: 25
drain: 1m30s
meta:
  graph_version: v26.0
  app_id: 0123456789
log: {level: debug, format: text}
`)
	require.NoError(t, err)
	require.Equal(t, config.Worker, got.Mode)
	require.Equal(t, "staging", got.Environment)
	require.Equal(t, []secret.String{otherKey, sealingKey}, got.SecretKeys)
	require.Equal(t, 25, got.Dial)
	require.Equal(t, "1m30s", got.Drain.String())
	require.Equal(t, "0123456789", got.Meta.AppID, "a number keeps its zeros")
}

// A mistyped key that is quietly ignored is found at 3 a.m.
func TestYAMLFaults(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, yaml, want string }{
		{"Near", "slotz: 3", "slotz (inboxd.yaml, line 1): got an unknown key: want slots"},
		{"NearNested", "meta:\n  graph_uri: x", "meta.graph_uri (inboxd.yaml, line 2): got an unknown key: want graph_url under meta"},
		{"WrongSection", "graph_url: x", "graph_url (inboxd.yaml, line 1): got an unknown key: want graph_url under meta"},
		{"Dotted", "meta.graph_url: x", "meta.graph_url (inboxd.yaml, line 1): got an unknown key: want graph_url under meta"},
		{"Far", "colour: red", "colour (inboxd.yaml, line 1): got an unknown key: want a setting of the guide (docs/configure.md)"},
		{"Odd", `"a\nb": red`, `"a\nb" (inboxd.yaml, line 1): got an unknown key`},
		{"Merge", "x: &x {slots: 1}\n<<: *x", `"<<" (inboxd.yaml, line 2): got an unknown key`},
		{"Value", "slots: many", `INBOXD_SLOTS (slots in inboxd.yaml, line 1): got "many": want a whole number from 1 to 4096`},
		{"Twice", "slots: 1\nslots: 2", "slots (inboxd.yaml, line 2): got it twice: want it once"},
		{"MappingForValue", "slots: {a: 1}", "slots (inboxd.yaml, line 1): got a mapping: want a single value"},
		{"ListForValue", "slots: [1]", "slots (inboxd.yaml, line 1): got a list: want a single value"},
		{"ValueForSection", "meta: 1", "meta (inboxd.yaml, line 1): got a single value: want a mapping of settings"},
		{"Alias", "slots: &n 1\ndial: *n", "dial (inboxd.yaml, line 2): got an alias: want a single value"},
		{"NestedList", "secret_key: [[a]]", "secret_key (inboxd.yaml, line 1): got a list with a list: want a list of words"},
		{"ListAtTop", "- slots", "the file (inboxd.yaml, line 1): got a list: want a mapping of settings"},
		{"KeyIsAList", "[a]: 1", "the file (inboxd.yaml, line 1): got a key that is a list: want the name of a setting"},
		{"Syntax", "slots: [", "inboxd.yaml: got no valid YAML (line 1: did not find expected node content): want one YAML mapping of settings"},
		{"TwoDocuments", "slots: 1\n---\nslots: 2", "inboxd.yaml: got no valid YAML (more than one document)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := loadYAML(c.yaml, complete()...)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestYAMLFaultsAreNamedTogether(t *testing.T) {
	t.Parallel()
	_, _, err := loadYAML("slotz: 3\ndial: 200\nmeta:\n  app_idd: 1\n  graph_version: 26\n", complete("INBOXD_DRAIN=1")...)
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 5)
}

// Whoever gets the file's name wrong must not be told that every setting in it
// is missing.
func TestUnreadableFileIsOneFault(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load(config.Options{ConfigPath: "/etc/none.yaml", ReadFile: files{}.read})
	require.EqualError(t, err, `--config: got "/etc/none.yaml" (file does not exist): want a readable file`)
	_, _, err = loadYAML("{")
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 1)
}

func TestEmptyFileIsFine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n", "~", "{}"} {
		_, _, err := loadYAML(text, complete()...)
		require.NoError(t, err, text)
	}
}

// FuzzLoadYAML: no file may crash the daemon, and none may hide a key that is
// not known.
func FuzzLoadYAML(f *testing.F) {
	for _, seed := range []string{
		"", "slots: 1", "slotz: 1", "meta: {graph_url: https://x, y: 2}", "a: &a [*a]", "? [x]\n: y", "secret_key: [a, b]", "!!binary x: y",
		"slots: !!int 3", "<<: {slots: 1}", "\xff\xfe", "database:\n  url_file: /x", "mode: |\n  all\n", "1: 2", "\"\\u0000\": 1", "log: {level: [}",
	} {
		f.Add(seed)
	}
	known := map[string]bool{}
	for _, s := range config.Settings() {
		for _, key := range []string{s.Key, s.FileKey()} {
			top, _, _ := strings.Cut(key, ".")
			known[top] = true
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _, err := loadYAML(text, complete()...)
		var root map[string]any
		if yaml.Unmarshal([]byte(text), &root) != nil || len(root) == 0 {
			return
		}
		for key := range root {
			if known[key] {
				continue
			}
			var faults config.Faults
			require.ErrorAs(t, err, &faults, "%q is unknown", key)
			require.True(t, utf8.ValidString(err.Error()))
		}
		if err != nil {
			var faults config.Faults
			require.ErrorAs(t, err, &faults)
		}
	})
}
