package daemon

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is a clock that goes on while the machine is suspended, which Go's
// monotonic clock does not: a process that wakes up must know that its
// heartbeat is old. Only differences mean something.
func bootTime() time.Time {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Now()
	}
	return time.Unix(ts.Unix())
}
