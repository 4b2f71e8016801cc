package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// The command line answers mistakes with what was wrong and what would be
// right, and with the exit code a service manager can act on.
func TestMistakesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		args    []string
		environ []string
		code    int
		says    []string
	}{
		{"UnknownCommand", []string{"serv"}, nil, exitUsage, []string{`no command "serv"`, "--help"}},
		{"UnknownFlag", []string{"--confg", "x"}, nil, exitUsage, []string{"--confg"}},
		{"MigrateWithoutAVerb", []string{"migrate"}, nil, exitUsage, []string{"up, status or down"}},
		{"MigrateWrongVerb", []string{"migrate", "upp"}, nil, exitUsage, []string{`not "upp"`}},
		{"MigrateDownUnasked", []string{"migrate", "down"}, nil, exitUsage, []string{"--yes"}},
		{"RotateWithoutAKey", []string{"rotate-key"}, []string{"INBOXD_DATABASE_URL=postgres://localhost/x"}, exitConfig, []string{"INBOXD_SECRET_KEY"}},
		{"ManWithoutASection", []string{"man"}, nil, exitUsage, []string{"say 8"}},
		{"DevBadRate", []string{"dev", "--rate", "-1"}, nil, exitUsage, []string{"rate", "10000"}},
		{"DevChaosWithoutAnEnd", []string{"dev", "--kill-workers", "2"}, nil, exitUsage, []string{"--for"}},
		{
			"ThreeFaults",
			[]string{"check-config"},
			[]string{"APP_MODE=boss", "INBOXD_SLOTS=many", "INBOXD_DIAL=900"},
			exitConfig,
			[]string{"APP_MODE", "api, worker or all", "INBOXD_SLOTS", "many", "INBOXD_DIAL", "900", "INBOXD_DATABASE_URL"},
		},
		{"ServeWithFaults", nil, []string{"APP_MODE=boss"}, exitConfig, []string{"APP_MODE"}},
		{"MissingFile", []string{"check-config", "--config", "/nonexistent.yaml"}, nil, exitConfig, []string{"/nonexistent.yaml"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), env{args: c.args, environ: c.environ, stdout: &stdout, stderr: &stderr})
			require.Equal(t, c.code, code, stderr.String())
			require.Empty(t, stdout.String())
			for _, s := range c.says {
				require.Contains(t, stderr.String(), s)
			}
		})
	}
}

func TestGoodSettings(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), env{args: []string{"check-config"}, environ: []string{
		"APP_MODE=worker", "INBOXD_DATABASE_URL=postgres://localhost/inboxd", "INBOXD_SECRET_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
	}, stdout: &stdout, stderr: &stderr})
	require.Equal(t, exitOK, code, stderr.String())
	require.Contains(t, stdout.String(), "mode worker")
}

func TestVersion(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), env{args: []string{"version"}, stdout: &stdout, stderr: &stdout}))
	require.Contains(t, stdout.String(), "inboxd ")
}
