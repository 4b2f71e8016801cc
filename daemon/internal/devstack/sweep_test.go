package devstack

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSweepTakesOnlyTheDead: crashed runs must not fill the disk, and living
// ones must not lose their data.
func TestSweepTakesOnlyTheDead(t *testing.T) {
	t.Parallel()
	place := t.TempDir()
	stack := func(name string, age time.Duration) string {
		dir := filepath.Join(place, tempPrefix+name)
		require.NoError(t, os.Mkdir(dir, 0o700))
		lock, err := lockDir(dir)
		require.NoError(t, err)
		require.NoError(t, lock.Close())
		then := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(filepath.Join(dir, "lock"), then, then))
		return dir
	}
	dead, young, living := stack("dead", time.Hour), stack("young", time.Minute), stack("living", time.Hour)
	lock, err := lockDir(living)
	require.NoError(t, err)
	defer func() { require.NoError(t, lock.Close()) }()
	stranger := filepath.Join(place, "other")
	require.NoError(t, os.Mkdir(stranger, 0o700))
	// Between fork and exec a child of a parallel test holds every lock that this
	// process has just let go.
	require.Eventually(t, func() bool {
		sweep(place)
		_, err := os.Stat(dead)
		return os.IsNotExist(err)
	}, 10*time.Second, time.Millisecond)
	require.DirExists(t, young)
	require.DirExists(t, living)
	require.DirExists(t, stranger)
}
