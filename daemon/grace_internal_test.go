package daemon

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/bandeja/inboxd/daemon/internal/config"
)

const configs = "../configs"

// A drain that is cut off leaves messages uncertain that would have been settled
// a second later. So in every place that we ship: the drain, and what stopping
// takes beside it, are over before the manager of the processes kills them.
func TestDrainFitsIntoEveryGrace(t *testing.T) {
	t.Parallel()
	usual := setting(t, "drain")

	unit, err := os.ReadFile(filepath.Join(configs, "systemd", "inboxd@.service"))
	require.NoError(t, err)
	stop := seconds(t, regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindSubmatch(unit))
	require.GreaterOrEqual(t, stop, usual+stopMargin, "systemd; a longer drain asks for more by itself")

	drain := duration(t, at(t, document(t, "kubernetes/base/settings.yaml", "ConfigMap"), "data", "INBOXD_DRAIN"))
	for _, file := range []string{"api.yaml", "worker.yaml"} {
		pod, ok := at(t, document(t, "kubernetes/base/"+file, "Deployment"), "spec", "template", "spec").(map[string]any)
		require.True(t, ok)
		pause := time.Duration(0)
		container := pod["containers"].([]any)[0].(map[string]any)
		if container["lifecycle"] != nil {
			pause = whole(t, at(t, container, "lifecycle", "preStop", "sleep", "seconds"))
		}
		require.Equal(t, file == "api.yaml", pause > 0, "the api goes on serving until the balancers know")
		require.Less(t, pause+drain+stopMargin, whole(t, pod["terminationGracePeriodSeconds"]), file)
	}

	compose := document(t, "docker/compose.yaml", "")
	drain = duration(t, at(t, compose, "x-environment", "INBOXD_DRAIN"))
	require.Less(t, drain+stopMargin, duration(t, at(t, compose, "x-inboxd", "stop_grace_period")), "compose")
}

// document is the first document of a file with that kind; "": the first.
func document(t *testing.T, path, kind string) map[string]any {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(read(t, path)))
	for {
		var d map[string]any
		require.NoError(t, decoder.Decode(&d), "%s has no %s", path, kind)
		if kind == "" || d["kind"] == kind {
			return d
		}
	}
}

// at goes down a document.
func at(t *testing.T, d map[string]any, keys ...string) any {
	t.Helper()
	var value any = d
	for _, k := range keys {
		m, ok := value.(map[string]any)
		require.True(t, ok, "%s: there is no mapping above it", k)
		value = m[k]
		require.NotNil(t, value, k)
	}
	return value
}

func duration(t *testing.T, value any) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(fmt.Sprint(value))
	require.NoError(t, err)
	return d
}

func whole(t *testing.T, value any) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(fmt.Sprint(value))
	require.NoError(t, err)
	return time.Duration(n) * time.Second
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(configs, path))
	require.NoError(t, err)
	return data
}

func seconds(t *testing.T, found [][]byte) time.Duration {
	t.Helper()
	require.Len(t, found, 2)
	n, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return time.Duration(n) * time.Second
}

func setting(t *testing.T, key string) time.Duration {
	t.Helper()
	for _, s := range config.Settings() {
		if s.Key == key {
			d, err := time.ParseDuration(s.Default)
			require.NoError(t, err)
			return d
		}
	}
	require.Fail(t, "no such setting", key)
	return 0
}
