package lane

import (
	"log/slog"
	"time"
)

// Breaker opens the breaker to its test.
type Breaker struct{ b *breaker }

// NewBreaker returns a breaker with these options.
func NewBreaker(o BreakerOptions) Breaker {
	return Breaker{newBreaker(o, slog.New(slog.DiscardHandler), nil)}
}

// Note takes the outcome of a call.
func (b Breaker) Note(err error, took time.Duration) { b.b.note(err, took) }

// Share is the percent of the dial that may be used.
func (b Breaker) Share() int { return b.b.share() }

// IsOpen reports whether the lane is given up.
func (b Breaker) IsOpen() bool { return b.b.isOpen() }
