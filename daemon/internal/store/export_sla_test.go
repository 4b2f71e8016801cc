package store

import "github.com/bandeja/inboxd/daemon/internal/sla"

// FiguresSQL is the statement behind SLAFigures.
func FiguresSQL(q sla.Question) string { return figuresSQL(q) }
