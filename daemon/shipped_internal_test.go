package daemon

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/config"
)

// A setting that is misspelt in a manifest is passed over in silence: the process
// runs, with the default. So every name in what we ship is that of a setting.
func TestShippedFilesNameRealSettings(t *testing.T) {
	t.Parallel()
	known := map[string]bool{
		"INBOXD_IMAGE": true, // compose's own
	}
	for _, s := range config.Settings() {
		known[s.Env], known[s.FileEnv()] = true, true
	}
	name, found := regexp.MustCompile(`INBOXD_[A-Z_]+`), 0
	for _, dir := range []string{"docker", "kubernetes", "systemd", "package"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(configs, dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			for _, n := range name.FindAllString(string(text), -1) {
				found++
				require.True(t, known[n], "%s: %s is no setting", path, n)
			}
			return err
		}))
	}
	require.Greater(t, found, 20)
}

// A secret for which the unit has no line never reaches the process, however well
// it lies in /etc/credstore.
func TestUnitLoadsEverySecret(t *testing.T) {
	t.Parallel()
	unit := string(read(t, "systemd/inboxd@.service"))
	for _, s := range config.Settings() {
		if c := s.Credential(); c != "" {
			require.Contains(t, unit, "\nLoadCredential="+c+":inboxd."+c+"\n")
		}
	}
}
