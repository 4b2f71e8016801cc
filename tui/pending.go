package tui

// pending are the rows whose change has been agreed to, until a state of the
// server's comes that was asked for after it. They carry a sign meanwhile: what
// becomes of them is never guessed. The zero value has none.
type pending struct {
	view string // whose rows
	ids  map[string]bool
	top  int // number of the question whose answer ends it; 0: the server is still at it
	jobs int // the same, of the jobs
}

// rows returns the view whose rows a change would be about, and which.
func (m model) rows() (view string, ids map[string]bool) {
	if m.story.open() {
		return "", nil
	}
	v := m.view()
	view = v.Name()
	if o, ok := v.(interface{ Focus() string }); ok {
		view = o.Focus()
	}
	ids = map[string]bool{}
	for _, id := range v.Marks() {
		ids[id] = true
	}
	if id := v.Cursor(); len(ids) == 0 && id != "" {
		ids[id] = true
	}
	return view, ids
}

// await marks rows as changing.
func (m model) await(view string, ids map[string]bool) model {
	for i := range m.views {
		next, v := m.change(i)
		v.Await(view, ids)
		m = next
	}
	return m
}

// agreed begins to wait for the new state of the rows a question is about.
func (m model) agreed(q question) model {
	m = m.settled()
	m.pending = pending{view: q.view, ids: q.rows}
	return m.await(q.view, q.rows)
}

// done has the next answers, which are of after the change, end the wait.
func (m model) done() model {
	if m.pending.view != "" {
		m.pending.top, m.pending.jobs = m.connection.number+1, m.jobs.number+1
	}
	return m
}

// settled ends the wait.
func (m model) settled() model {
	m = m.await(m.pending.view, nil)
	m.pending = pending{}
	return m
}

// settledBy ends the wait if an answer is of after the change. Number counts the
// questions for jobs, or those for the picture.
func (m model) settledBy(jobs bool, number int) model {
	p := m.pending
	switch {
	case jobs != (p.view == "Jobs"), p.top == 0:
		return m
	case jobs && number >= p.jobs, !jobs && number >= p.top:
		return m.settled()
	}
	return m
}
