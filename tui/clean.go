package tui

import (
	"slices"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

// clean makes every string of an answer safe to draw: names, hosts and errors
// come from outside. It copies what it changes.
func clean(s admin.Status) admin.Status {
	s.Version, s.Environment = widget.Clean(s.Version), widget.Clean(s.Environment)
	s.Queues = slices.Clone(s.Queues)
	for i := range s.Queues {
		s.Queues[i].Name = widget.Clean(s.Queues[i].Name)
	}
	s.Processes = slices.Clone(s.Processes)
	for i := range s.Processes {
		p := &s.Processes[i]
		p.ID, p.Host, p.Mode, p.Version = widget.Clean(p.ID), widget.Clean(p.Host), widget.Clean(p.Mode), widget.Clean(p.Version)
	}
	s.Parts = slices.Clone(s.Parts)
	for i := range s.Parts {
		s.Parts[i].Name = widget.Clean(s.Parts[i].Name)
		if why := s.Parts[i].Error; why != nil {
			s.Parts[i].Error = new(widget.Clean(*why))
		}
	}
	return s
}
