package sla

import "github.com/bandeja/inboxd/daemon/internal/inbox"

// Check returns an Invalid fault that names what is wrong, if anything.
func (p Policy) Check() error {
	err := inbox.CheckOrg(inbox.Org{Name: p.Org, TimeZone: p.Hours.TimeZone, SLATarget: p.Target, Objective: p.Objective})
	if err != nil || p.Hours.Days == nil {
		return err
	}
	return p.Hours.Check()
}
