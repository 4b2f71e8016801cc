package daemon

import (
	"bytes"
	"errors"
	"io"
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

	var settings struct {
		Data map[string]string `yaml:"data"`
	}
	require.NoError(t, yaml.Unmarshal(read(t, "kubernetes/base/settings.yaml"), &settings))
	drain, err := time.ParseDuration(settings.Data["INBOXD_DRAIN"])
	require.NoError(t, err)
	for _, file := range []string{"api.yaml", "worker.yaml"} {
		d := deployment(t, "kubernetes/base/"+file)
		pod := d.Spec.Template.Spec
		grace := time.Duration(pod.Grace) * time.Second
		pause := time.Duration(pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds) * time.Second
		require.Less(t, pause+drain+stopMargin, grace, file)
	}

	var compose struct {
		Inboxd struct {
			Grace string `yaml:"stop_grace_period"`
		} `yaml:"x-inboxd"`
		Environment map[string]string `yaml:"x-environment"`
	}
	require.NoError(t, yaml.Unmarshal(read(t, "docker/compose.yaml"), &compose))
	drain, err = time.ParseDuration(compose.Environment["INBOXD_DRAIN"])
	require.NoError(t, err)
	grace, err := time.ParseDuration(compose.Inboxd.Grace)
	require.NoError(t, err)
	require.Less(t, drain+stopMargin, grace, "compose")
}

// deploymentFile is what matters here of a Deployment.
type deploymentFile struct {
	Kind string `yaml:"kind"`
	Spec struct {
		Template struct {
			Spec struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []struct {
					Lifecycle struct {
						PreStop struct {
							Sleep struct {
								Seconds int `yaml:"seconds"`
							} `yaml:"sleep"`
						} `yaml:"preStop"`
					} `yaml:"lifecycle"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

func deployment(t *testing.T, path string) (d deploymentFile) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(read(t, path)))
	for {
		var next deploymentFile
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if next.Kind == "Deployment" {
			d = next
		}
	}
	require.Len(t, d.Spec.Template.Spec.Containers, 1, path)
	return d
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
