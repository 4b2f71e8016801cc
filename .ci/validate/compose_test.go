package validate

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// The compose file loads as docker compose would load it, every secret and every
// mounted file is one that exists or that its head says how to make, and nothing
// but a proxy can reach it from outside.
func TestComposeLoads(t *testing.T) {
	o, err := cli.NewProjectOptions([]string{"../../configs/docker/compose.yaml"}, cli.WithWorkingDirectory("../../configs/docker"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"api", "worker", "migrate", "postgres", "redis", "prometheus", "grafana"} {
		if _, err := p.GetService(name); err != nil {
			t.Error(err)
		}
	}
	for _, s := range p.Services {
		checkService(t, s)
	}
}

func checkService(t *testing.T, s types.ServiceConfig) {
	if s.Name != "migrate" && (s.HealthCheck == nil || s.HealthCheck.Disable) {
		t.Errorf("%s has no health check", s.Name)
	}
	for _, port := range s.Ports {
		if port.HostIP != "127.0.0.1" {
			t.Errorf("%s listens on every address of the host", s.Name)
		}
	}
	for _, v := range s.Volumes {
		if v.Type != types.VolumeTypeBind {
			continue
		}
		// Rules and dashboards have folders of their own beside this one.
		if _, err := os.Stat(v.Source); err != nil && filepath.Base(v.Source) != "prometheus" && filepath.Base(v.Source) != "grafana" {
			t.Errorf("%s mounts what is not there: %v", s.Name, err)
		}
	}
	for name, value := range s.Environment {
		if value != nil && len(*value) > 20 && (name == "INBOXD_SECRET_KEY" || name == "INBOXD_DATABASE_URL") {
			t.Errorf("%s has the secret %s in its environment", s.Name, name)
		}
	}
}
