package tui

import (
	"time"

	"github.com/bandeja/inboxd/admin"
)

// tickMsg is the clock: nothing else tells the model what time it is.
type tickMsg struct {
	at time.Time
}

// answerMsg is what came of one question. Number says which: an answer to an
// older one is dropped. At is when it came, Took how long it was on its way.
type answerMsg struct {
	number int
	answer admin.One[admin.Top]
	err    error
	at     time.Time
	took   time.Duration
}
