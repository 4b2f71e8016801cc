package report

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ThisMachine describes where we are. dir is where the flush is tried.
func ThisMachine(dir string) Machine {
	return Machine{
		Processor: after(read("/proc/cpuinfo"), "model name"), Cores: runtime.NumCPU(), MemoryGiB: memory(read("/proc/meminfo")),
		System: strings.Trim(after(read("/etc/os-release"), "PRETTY_NAME="), `"`), Go: runtime.Version(), LoadBefore: Load(), FlushMicros: flush(dir),
	}
}

// Load is the load average of the last minute.
func Load() string {
	first, _, _ := strings.Cut(read("/proc/loadavg"), " ")
	return first
}

func read(path string) string {
	raw, err := os.ReadFile(path) //nolint:gosec // Our own list of files.
	if err != nil {
		return ""
	}
	return string(raw)
}

// after returns the rest of the first line that begins with name, without tabs
// and colon.
func after(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimLeft(strings.TrimSpace(rest), "\t: ")
		}
	}
	return "unknown"
}

func memory(meminfo string) int {
	var kib int
	_, _ = fmt.Sscan(after(meminfo, "MemTotal"), &kib) // 0 when it is not there
	return (kib + 1<<19) >> 20
}

// flush is the median of fifty writes of a page with fsync, in microseconds; 0
// if it cannot be tried.
func flush(dir string) int64 {
	f, err := os.Create(filepath.Join(dir, "flush")) //nolint:gosec // Our own directory.
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
	var all []time.Duration
	for range 50 {
		began := time.Now()
		if _, err := f.WriteAt(make([]byte, 8192), 0); err != nil || f.Sync() != nil {
			return 0
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2].Microseconds()
}
