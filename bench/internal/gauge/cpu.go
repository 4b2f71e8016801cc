// Package gauge reads what work costs: CPU time of processes, statements,
// commits and WAL of PostgreSQL, commands and reads of Redis. It owns no
// opinion: it counts before and after, and subtracts.
package gauge

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticksPerSecond is USER_HZ, which Linux shows the world whatever it uses inside.
const ticksPerSecond = 100

// Own is the CPU time this process has used.
func Own() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Tree is the CPU time of a process and everything below it, the children that
// have ended included.
func Tree(pid int) (time.Duration, error) {
	root, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	parents, used := map[int]int{}, map[int]int64{}
	for _, dir := range all {
		id, _ := strconv.Atoi(filepath.Base(dir))
		if s, err := readStat(id); err == nil { // it may have ended meanwhile
			parents[id], used[id] = s.parent, s.own
		}
	}
	ticks := root.ended
	for id := range parents {
		if under(id, pid, parents) {
			ticks += used[id]
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

func under(id, root int, parents map[int]int) bool {
	for ; id > 1; id = parents[id] {
		if id == root {
			return true
		}
	}
	return false
}

// stat is what we read of /proc/<pid>/stat, in ticks.
type stat struct {
	parent     int
	own, ended int64
}

func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(raw))
}

// parseStat skips the name, which may hold spaces and parentheses.
func parseStat(line string) (s stat, err error) {
	at := strings.LastIndex(line, ") ")
	if at < 0 {
		return s, fmt.Errorf("no process line: %q", line)
	}
	f := strings.Fields(line[at+2:])
	if len(f) < 15 {
		return s, fmt.Errorf("short process line: %q", line)
	}
	n := func(i int) int64 { v, _ := strconv.ParseInt(f[i], 10, 64); return v }
	return stat{parent: int(n(1)), own: n(11) + n(12), ended: n(13) + n(14)}, nil
}
