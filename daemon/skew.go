package daemon

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// skew remembers which other versions on this database have been spoken of.
type skew struct{ told sync.Map }

// note warns, once, of a version that ours was never tried beside: a schema that
// suits one of the two may not suit the other.
func (s *skew) note(ctx context.Context, log *slog.Logger, ours, theirs string) {
	if neighbours(ours, theirs) {
		return
	}
	if _, known := s.told.LoadOrStore(theirs, true); !known {
		log.WarnContext(ctx, "a process of a version that is no neighbour works on this database: upgrade one minor version at a time",
			"version", ours, "other", theirs)
	}
}

// neighbours reports whether two versions may share a database: the same major,
// and at most one minor apart. Of what is no release nothing is known.
func neighbours(a, b string) bool {
	majorA, minorA, okA := release(a)
	majorB, minorB, okB := release(b)
	if !okA || !okB {
		return true
	}
	return majorA == majorB && max(minorA, minorB)-min(minorA, minorB) <= 1
}

// release reads the v1.2 of v1.2.3 and v1.2.3-rc.1.
func release(version string) (major, minor int, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) != 3 || !strings.HasPrefix(version, "v") {
		return 0, 0, false
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	return major, minor, errMajor == nil && errMinor == nil
}
