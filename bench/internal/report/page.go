package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"
)

//go:embed page.md.tmpl
var page string

// Page writes the report for people.
func (r *Report) Page(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"table": (*Table).markdown, "took": func(ms int64) string { return (time.Duration(ms) * time.Millisecond).Round(time.Second).String() },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("template of the page: %w", err)
	}
	return t.Execute(w, r)
}

// Unmet are the targets that are not met; those that share a reason are told once.
func (r *Report) Unmet() (all []Target) {
	for _, t := range r.Targets {
		if t.Met != "no" {
			continue
		}
		if t.Reason == "" {
			t.Reason = "no reason is known"
		}
		if last := len(all) - 1; last >= 0 && all[last].Reason == t.Reason {
			all[last].What += "; " + t.What
			continue
		}
		all = append(all, t)
	}
	return all
}

// markdown lays the table out; a note of a row takes the place of its figures if
// it has none.
func (t *Table) markdown() string {
	var b strings.Builder
	b.WriteString("| |")
	for _, c := range t.Columns {
		b.WriteString(" " + c.Title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(t.Columns)) + "\n")
	for _, r := range t.Rows {
		b.WriteString("| " + r.Name + " |")
		for i, c := range t.Columns {
			cell := r.Figures[c.Key].Show(c.Digits)
			if len(r.Figures) == 0 && i == 0 {
				cell = cmpNote(r.Note)
			}
			b.WriteString(" " + cell + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cmpNote(note string) string {
	if note == "" {
		return "–"
	}
	return strings.ReplaceAll(note, "\n", " ")
}
