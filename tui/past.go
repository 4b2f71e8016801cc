package tui

import (
	"fmt"
	"time"

	"github.com/bandeja/inboxd/tui/internal/screen"
)

// How many pictures are kept to go back to, and how far apart they are: two
// minutes, in little memory.
const (
	pastKept = 30
	pastStep = 4 * time.Second
	// playerStep is how far a step goes in a recording.
	playerStep = 10 * time.Second
)

// remember keeps the newest picture to go back to, if the last one that is kept
// is old enough. Models share what they keep: it is never written into.
func (m model) remember() model {
	if n := len(m.past); n > 0 && m.latest.at.Sub(m.past[n-1].at) < pastStep {
		return m
	}
	kept := m.past[max(len(m.past)-pastKept+1, 0):]
	m.past = append(append(make([]snapshot, 0, pastKept), kept...), m.latest)
	if m.ago > 0 { // the picture that is looked at is one further away now
		m.ago = min(m.ago+1, len(m.past))
	}
	return m
}

// travel shows the picture before or after the one that is shown; after the last
// comes now. In a recording it moves the clock.
func (m model) travel(by int) model {
	if p, ok := m.options.Source.(*Player); ok {
		p.Seek(time.Duration(-by) * playerStep)
		m.connection.due = time.Time{}
		return m.say("at " + p.Now().UTC().Format("15:04:05Z") + " of the recording")
	}
	if by < 0 {
		if m.ago = max(m.ago-1, 0); m.ago > 0 {
			return m.show(m.past[len(m.past)-m.ago])
		}
		m.frozenAt = time.Time{}
		return m.show(m.latest)
	}
	for n := m.ago + 1; n <= len(m.past); n++ { // the newest that is kept may be the one that is shown
		if older := m.past[len(m.past)-n]; older.at.Before(m.shown.at) {
			m.ago = n
			return m.show(older)
		}
	}
	return m.say(fmt.Sprintf("nothing older is kept here, %s at most: `inboxctl top --record FILE` keeps all", pastKept*pastStep))
}

// show draws from a picture.
func (m model) show(s snapshot) model {
	m.shown = s
	now := m.now
	if m.ago > 0 {
		now = s.at
	}
	for i := range m.views {
		var v screen.View
		m, v = m.change(i)
		v.Set(s.answer.Item, now)
	}
	return m
}
