package dispatch

import "github.com/bandeja/inboxd/daemon/internal/job"

// Shares opens the division of places to its property test.
func Shares(orgs []int64, n, turn int) []job.Share { return shares(orgs, n, turn) }
