package admin_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// The file is where the XDG rules and the operator say.
func TestConfigPath(t *testing.T) {
	t.Parallel()
	for want, values := range map[string]map[string]string{
		"/x/c.json":                       {"INBOXCTL_CONFIG": "/x/c.json", "XDG_CONFIG_HOME": "/y", "HOME": "/h"},
		"/y/inboxctl/config.json":         {"XDG_CONFIG_HOME": "/y", "HOME": "/h"},
		"/h/.config/inboxctl/config.json": {"HOME": "/h"},
	} {
		got, err := admin.ConfigPath(env(values))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := admin.ConfigPath(env(nil))
	require.Equal(t, admin.Invalid, admin.KindOf(err))
}

// Tokens in the file are nobody else's business, and a write that fails half
// way must not cost the operator the contexts there were.
func TestConfigFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "config.json")
	empty, err := admin.LoadConfig(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(admin.Config{}, empty))

	prod := admin.Context{Name: "prod", Server: "https://x", Token: "t", Protected: true, Colour: "red"}
	require.NoError(t, admin.AddContext(path, prod))
	require.NoError(t, admin.AddContext(path, admin.Context{Name: "dev", Server: "unix:///d.sock"}))
	got, err := admin.LoadConfig(path)
	require.NoError(t, err)
	require.Equal(t, "prod", got.Current, "a context becomes current only if there is none")
	require.Equal(t, []string{"dev", "prod"}, got.Names())
	x, ok := got.Find("prod")
	require.True(t, ok)
	require.Empty(t, cmp.Diff(prod, x))

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1, "no temporary file is left")

	require.NoError(t, admin.RemoveContext(path, "prod", "https://other"), "not the one that was added")
	require.NoError(t, admin.RemoveContext(path, "prod", "https://x"))
	got, err = admin.LoadConfig(path)
	require.NoError(t, err)
	require.Equal(t, []string{"dev"}, got.Names())
	require.Empty(t, got.Current)

	require.NoError(t, os.Chmod(path, 0o644))
	_, err = admin.LoadConfig(path)
	require.ErrorContains(t, err, "chmod 600")
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err = admin.LoadConfig(path)
	require.Equal(t, admin.Invalid, admin.KindOf(err))
}

// A token file is read at each use, so that it can be rotated.
func TestReadToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	x := admin.Context{Name: "prod", TokenFile: path}
	_, err := x.ReadToken()
	require.ErrorContains(t, err, "prod")
	require.NoError(t, os.WriteFile(path, []byte(" secret\n"), 0o600))
	token, err := x.ReadToken()
	require.NoError(t, err)
	require.Equal(t, "secret", token)
	token, err = admin.Context{Token: "inline"}.ReadToken()
	require.NoError(t, err)
	require.Equal(t, "inline", token)
}
