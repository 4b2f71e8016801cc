package peer

import (
	"encoding/json"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// payload is what a job carries: when it was sent, in nanoseconds; 0: nobody
// asks.
type payload struct {
	At int64 `json:"at"`
}

func (p payload) encode() []byte {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // a number cannot fail
	}
	return raw
}

// spread makes n calls from so many callers.
func spread(callers, n int, call func() error) error {
	var next atomic.Int64
	var g errgroup.Group
	for range callers {
		g.Go(func() error {
			for next.Add(1) <= int64(n) {
				if err := call(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// moduleVersion is the version of a library that is linked in here.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown"
}
