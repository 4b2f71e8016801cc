package store

// sendAlone puts a member behind those of its conversation that are done alone.
// g.mu is held.
func (g *group[T]) sendAlone(m *member[T], why aloneReason) {
	g.metrics.alone[why].Inc()
	if m.line == 0 {
		go g.alone(m)
		return
	}
	before := g.lines[m.line]
	g.lines[m.line] = append(before, m)
	if len(before) == 0 {
		go g.serve(m.line)
	}
}

// serve does those of a conversation one after the other. Who is being done stays
// in the line: later ones must not overtake it.
func (g *group[T]) serve(line int64) {
	for m := g.head(line); m != nil; m = g.next(line) {
		g.alone(m)
	}
}

func (g *group[T]) head(line int64) *member[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lines[line][0]
}

func (g *group[T]) next(line int64) *member[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	rest := g.lines[line][1:]
	if len(rest) == 0 {
		delete(g.lines, line)
		return nil
	}
	g.lines[line] = rest
	return rest[0]
}

// lined reports whether some of a conversation are done alone: then nobody else of
// it may be done.
func (g *group[T]) lined(line int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.lines[line]) > 0
}

func (g *group[T]) alone(m *member[T]) {
	select {
	case g.singles <- struct{}{}:
	case <-m.ctx.Done():
		return // nobody listens
	}
	defer func() { <-g.singles }()
	_, err := g.travel([]*member[T]{m}, true)
	m.done <- err
}
