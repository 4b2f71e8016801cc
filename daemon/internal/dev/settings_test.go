package dev

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSettingsOfTheUserWin(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("from-file\n"), 0o600))
	s := readSettings([]string{
		"INBOXD_DIAL=100", "INBOXD_REDIS_URL=", "INBOXD_META_APP_SECRET_FILE=" + path, "APP_MODE=all", "NOTIFY_SOCKET=/run/x", "HOME=/home/x",
	})
	for name, want := range map[string]string{
		envDial: "100", envRedisURL: "", envAppSecret: "from-file", envListen: "ours",
	} {
		got, err := s.or(name, "ours")
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	all := s.environ(map[string]string{envMode: "worker"})
	require.Contains(t, all, "APP_MODE=worker")
	require.Contains(t, all, "INBOXD_LISTEN=ours")
	require.Contains(t, all, "HOME=/home/x")
	require.NotContains(t, all, "APP_MODE=all", "the mode of the parent is not the child's")
	require.False(t, slices.ContainsFunc(all, func(s string) bool { return s == "NOTIFY_SOCKET=/run/x" }), "a child would report to our service manager")
	s["INBOXD_SECRET_KEY_FILE"] = "/does/not/exist"
	_, err := s.or(envSecretKey, "ours")
	require.ErrorContains(t, err, "INBOXD_SECRET_KEY_FILE")
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":8080": "http://127.0.0.1:8080", "0.0.0.0:1": "http://127.0.0.1:1", "[::]:1": "http://127.0.0.1:1", "10.0.0.1:2": "http://10.0.0.1:2",
	} {
		require.Equal(t, want, reachable(listen))
	}
}

// TestOptionsNameEveryFault: nobody wants to learn of them one by one.
func TestOptionsNameEveryFault(t *testing.T) {
	t.Parallel()
	err := Options{Rate: -1, For: -time.Second, KillWorkers: -1}.Check()
	for _, word := range []string{"rate", "for", "kill-workers"} {
		require.ErrorContains(t, err, word)
	}
	require.ErrorContains(t, Options{RestartRedis: true}.Check(), "--for")
}

// TestSecretsStayWithTheData: with other keys the tokens in a kept database
// could not be read again.
func TestSecretsStayWithTheData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := keepSecrets(dir)
	require.NoError(t, err)
	second, err := keepSecrets(dir)
	require.NoError(t, err)
	require.Equal(t, first, second)
	info, err := os.Stat(filepath.Join(dir, "secrets.json"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
}

func TestManifestFollowsProcessIDs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dev.json")
	pid := 1
	var f manifestFile
	require.NoError(t, f.refresh(), "before it is created nothing is written")
	require.NoError(t, f.create(path, manifest{APIURL: "http://x"}, func() map[string]int { return map[string]int{"api": pid} }))
	pid = 2
	require.NoError(t, f.refresh())
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(raw), `"api": 2`)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm(), "it holds secrets")
	f.remove()
	require.NoFileExists(t, path)
	require.NoError(t, f.refresh())
	require.NoFileExists(t, path)
}
