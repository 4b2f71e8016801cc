//go:build unix

package cli

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lookMS is how often the wait for a reader looks whether it is still wanted.
const lookMS = 500

// readerLeft returns true once whoever reads what is written to f has gone: a
// closed pipe, or a terminal that hung up. It returns false when ctx ends.
func readerLeft(ctx context.Context, f *os.File) bool {
	fds := []unix.PollFd{{Fd: int32(f.Fd())}} // #nosec G115 -- a descriptor is small; no events: only that it broke
	for ctx.Err() == nil {
		if n, err := unix.Poll(fds, lookMS); n > 0 || (err != nil && !errors.Is(err, unix.EINTR)) {
			return n > 0
		}
	}
	return false
}
