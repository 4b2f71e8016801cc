package worker

// Rest makes the pool take nothing new until it is called with false; what runs
// goes on. Copies that wait here for a slot go back to the others, and so do
// those that still come.
func (p *Pool) Rest(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case yes && !p.resting:
		close(p.rest)
	case !yes && p.resting:
		p.rest = make(chan struct{})
		p.o.Freed()
	}
	p.resting = yes
}

// restBegins is closed while the pool rests.
func (p *Pool) restBegins() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rest
}
