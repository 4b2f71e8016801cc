//go:build !linux

package daemon

import "time"

// bootTime is the wall clock here: there is no clock of Go's that goes on while
// the machine is suspended and never jumps.
func bootTime() time.Time { return time.Now().Round(0) }
