package devstack

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// runningPostmaster returns the process id of the server on a PostgreSQL data
// directory, 0 if none runs. A pid file whose process is gone, or is now some
// other program, is stale.
func runningPostmaster(dir string) int {
	content, err := os.ReadFile(filepath.Join(dir, "postmaster.pid")) //nolint:gosec // In the data directory we were given.
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0
	}
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return 0
	}
	// Where there is no /proc the living process is taken for the server.
	if name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); err == nil && !strings.HasPrefix(string(name), "postgres") {
		return 0
	}
	return pid
}
