package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	tempPrefix = "inboxd-stack-"
	sweepAge   = 10 * time.Minute // a directory younger than this is never swept
)

// home is the directory of a stack, locked against a second stack in it.
type home struct {
	dir  string
	temp bool
	logs bool // stay
	lock *os.File
}

// openHome makes or opens the directory so that runAs can reach what is in it.
func openHome(dir string, runAs *identity) (*home, error) {
	h := &home{dir: dir, temp: dir == ""}
	var err error
	if h.temp {
		h.dir, err = tempDir(runAs)
	} else {
		h.dir, err = givenDir(dir, runAs)
	}
	if err != nil {
		return nil, err
	}
	h.lock, err = lockDir(h.dir)
	if err != nil {
		return nil, fmt.Errorf("data directory %s is in use by another process: stop it or choose another directory: %w", h.dir, err)
	}
	return h, nil
}

func (h *home) close() error {
	var err error
	switch {
	case h.temp && h.logs:
		err = leaveLogs(h.dir)
	case h.temp:
		err = os.RemoveAll(h.dir)
	}
	return errors.Join(err, h.lock.Close())
}

// leaveLogs removes everything else. Without its lock the directory is not swept.
func leaveLogs(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".log") {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// givenDir creates the directory the caller named.
func givenDir(dir string, runAs *identity) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // The server's user must pass through; the data below is private.
		return "", fmt.Errorf("data directory: %w", err)
	}
	if closed := unreachable(dir, runAs); closed != "" {
		return "", fmt.Errorf("data directory %s: PostgreSQL runs as user %s, which may not enter %s; choose a directory that others may enter, for example under /var/tmp",
			dir, runAs.name, closed)
	}
	return dir, nil
}

// tempDir makes a directory in the first temporary place the server's user can
// reach, and removes what crashed stacks have left there.
func tempDir(runAs *identity) (string, error) {
	var refused error
	for _, place := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if closed := unreachable(place, runAs); closed != "" {
			refused = fmt.Errorf("user %s may not enter %s", runAs.name, closed)
			continue
		}
		sweep(place)
		dir, err := os.MkdirTemp(place, tempPrefix)
		if err != nil {
			refused = err
			continue
		}
		return dir, os.Chmod(dir, 0o755) //nolint:gosec // The server's user must pass through; the data below is private.
	}
	return "", fmt.Errorf("no usable temporary directory (set TMPDIR to one that every user may enter): %w", refused)
}

// unreachable returns the first directory on the way to dir that runAs may not
// enter, empty if the way is free. A directory that does not exist is not free.
func unreachable(dir string, runAs *identity) string {
	if runAs == nil {
		return ""
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil || !info.IsDir() || !enterable(info, runAs) {
			return at
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

func enterable(info os.FileInfo, runAs *identity) bool {
	mode := info.Mode().Perm()
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		switch {
		case owner.Uid == runAs.uid:
			return mode&0o100 != 0
		case owner.Gid == runAs.gid:
			return mode&0o010 != 0
		}
	}
	return mode&0o001 != 0
}

// lockDir locks a directory for the life of this process: the kernel lets go
// of it however the process ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // Our own directory.
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// sweep removes old temporary directories whose stack is gone. It is a
// courtesy: what it cannot remove stays.
func sweep(place string) {
	dirs, _ := filepath.Glob(filepath.Join(place, tempPrefix+"*")) // only a bad pattern fails
	for _, dir := range dirs {
		info, err := os.Lstat(filepath.Join(dir, "lock"))
		if err != nil || time.Since(info.ModTime()) < sweepAge {
			continue
		}
		lock, err := lockDir(dir)
		if err != nil {
			continue
		}
		if runningPostmaster(filepath.Join(dir, "postgres")) == 0 {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}
