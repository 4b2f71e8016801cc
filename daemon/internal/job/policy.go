package job

import "time"

// Policy is how the engine treats a type.
type Policy struct {
	MaxAttempts int
	Timeout     time.Duration // of one attempt, whole seconds
	Deadline    time.Duration // from creation: never started later
	AtMostOnce  bool          // doubt becomes uncertain and is never re-run by itself
}

// PolicyOf returns the policy of a type.
func PolicyOf(t Type) Policy {
	switch t {
	case SendMessage, SendTemplate:
		return Policy{MaxAttempts: 5, Timeout: 20 * time.Second, Deadline: 24 * time.Hour, AtMostOnce: true}
	case SyncSpend:
		return Policy{MaxAttempts: 8, Timeout: 2 * time.Minute, Deadline: 24 * time.Hour}
	case RefreshToken:
		return Policy{MaxAttempts: 8, Timeout: time.Minute, Deadline: 7 * 24 * time.Hour}
	default:
		return Policy{MaxAttempts: 5, Timeout: 30 * time.Second, Deadline: 24 * time.Hour}
	}
}

const (
	backoffBase = 2 * time.Second
	backoffCap  = 15 * time.Minute
)

// Backoff returns how long to wait after the attempt-th failed attempt (from
// 1): full jitter over 2^n x 2 s, at most 15 min; a pair throttle waits
// 4^n seconds as Meta asks. u is a random number in [0,1).
func Backoff(class Class, attempt int, u float64) time.Duration {
	n := min(max(attempt, 1), 12)
	if class == ClassThrottlePair {
		return min(time.Second<<(2*min(n-1, 6)), backoffCap) + time.Duration(u*float64(time.Second))
	}
	ceiling := min(backoffBase<<(n-1), backoffCap)
	return time.Second/2 + time.Duration(u*float64(ceiling))
}
