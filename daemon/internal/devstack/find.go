package devstack

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNoPostgres says that no PostgreSQL server program was found, and how to
// install one.
var ErrNoPostgres = errors.New(`no PostgreSQL server found (neither in PATH nor in the usual directories); install it with one of
  apt-get install postgresql redis-server
  dnf install postgresql-server redis
  brew install postgresql redis`)

// Finder looks for server programs: in PATH by LookPath, then in directories
// given as glob patterns, of which the highest version wins.
type Finder struct {
	LookPath func(name string) (string, error) // as exec.LookPath
	Globs    []string
}

func machineFinder() Finder {
	return Finder{LookPath: exec.LookPath, Globs: []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/lib64/pgsql/bin", "/usr/local/pgsql/bin",
		"/opt/homebrew/opt/postgresql*/bin", "/opt/homebrew/bin",
		"/usr/local/opt/postgresql*/bin", "/usr/local/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin", "/home/linuxbrew/.linuxbrew/bin",
	}}
}

// postgres returns the directory that holds both initdb and postgres.
func (f Finder) postgres() (string, error) {
	if path, err := f.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real // a link beside other links: initdb finds its files from the real place
		}
		if dir := filepath.Dir(path); complete(dir) {
			return dir, nil
		}
	}
	for _, dir := range f.dirs() {
		if complete(dir) {
			return dir, nil
		}
	}
	return "", ErrNoPostgres
}

// redis returns the path of the Redis server program, empty if there is none.
func (f Finder) redis() string {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := f.LookPath(name); err == nil {
			return path
		}
		for _, dir := range f.dirs() {
			if path := filepath.Join(dir, name); executable(path) {
				return path
			}
		}
	}
	return ""
}

// dirs returns the directories of each pattern in turn, newest version first.
func (f Finder) dirs() []string {
	var all []string
	for _, glob := range f.Globs {
		dirs, _ := filepath.Glob(glob) // only a bad pattern fails, and ours are constants
		slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
		all = append(all, dirs...)
	}
	return all
}

// version returns the last number in a path, 0 if there is none: 15 for
// /usr/lib/postgresql/15/bin.
func version(path string) int {
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	end := strings.LastIndexAny(path, "0123456789") + 1
	start := strings.LastIndexFunc(path[:end], notDigit) + 1
	n, _ := strconv.Atoi(path[start:end]) // only digits, or nothing
	return n
}

func complete(dir string) bool {
	return executable(filepath.Join(dir, "postgres")) && executable(filepath.Join(dir, "initdb"))
}

func executable(path string) bool {
	_, err := exec.LookPath(path) // a path with a slash is only checked
	return err == nil
}
