package tui

import (
	"slices"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// maxText is how much of a foreign string is drawn, in runes.
const maxText = 256

// brief is foreign text that is safe to draw, and not too much of it.
func brief(s string) string {
	runes := []rune(text.Clean(s))
	return string(runes[:min(len(runes), maxText)])
}

// clean makes every string of an answer safe to draw: names, hosts and errors
// come from outside. It copies what it changes.
func clean(s admin.Status) admin.Status {
	s.Version, s.Environment = brief(s.Version), brief(s.Environment)
	s.Queues = slices.Clone(s.Queues)
	for i := range s.Queues {
		s.Queues[i].Name = brief(s.Queues[i].Name)
	}
	s.Processes = slices.Clone(s.Processes)
	for i := range s.Processes {
		p := &s.Processes[i]
		p.ID, p.Host, p.Mode, p.Version = brief(p.ID), brief(p.Host), brief(p.Mode), brief(p.Version)
	}
	s.Parts = slices.Clone(s.Parts)
	for i := range s.Parts {
		s.Parts[i].Name = brief(s.Parts[i].Name)
		if why := s.Parts[i].Error; why != nil {
			s.Parts[i].Error = new(brief(*why))
		}
	}
	return s
}
