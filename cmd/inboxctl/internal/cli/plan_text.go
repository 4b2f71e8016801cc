package cli

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// sentence says what is, or was, done: "Retry 42 dead jobs (acme 40, globex 2)".
func (v verb) sentence(do string, n int64, orgs []admin.OrgCount) string {
	s := do + " " + plural(n, v.job) + v.how
	if split := splitText(orgs); split != "" {
		s += " (" + split + ")"
	}
	return s
}

// plan is the part of a result that was known before.
func (r bulkResult) plan() admin.Plan {
	return admin.Plan{
		Matched: r.Matched, ByOrg: r.ByOrg, Skipped: r.Skipped, Customers: r.Customers, OutsideWindow: r.OutsideWindow,
		MaybeSent: r.MaybeSent, Warnings: r.Warnings, Undo: r.Undo,
	}
}

// planText is what somebody who decides must know beside the number of jobs:
// customers, what may go wrong, what is left alone, what can be taken back.
func (a *app) planText(p admin.Plan) string {
	var b bytes.Buffer
	if counts := reachText(p); counts != "" {
		a.wrap(&b, counts)
	}
	a.skippedText(&b, p.Skipped)
	a.warningsText(&b, p.Warnings)
	undo := p.Undo.Text
	if undo == "" && !p.Undo.Possible {
		undo = "not possible"
	}
	if undo != "" {
		a.wrap(&b, "Undo: "+fullStop(undo))
	}
	return b.String()
}

// termsText says how the plan would be carried out, where that was asked for.
func (a *app) termsText(c admin.CommitRequest) string {
	var terms []string
	if c.Canary > 0 {
		terms = append(terms, plural(int64(c.Canary), "job")+" first, the rest when those have run")
	}
	if c.AbortIf != nil {
		terms = append(terms, "it stops by itself if more than "+shareText(*c.AbortIf)+" fail")
	}
	if c.Rate > 0 {
		terms = append(terms, "at most "+rateText(&c.Rate))
	}
	if len(terms) == 0 {
		return ""
	}
	var b bytes.Buffer
	a.wrap(&b, upperFirst(strings.Join(terms, "; "))+".")
	return b.String()
}

func (a *app) warningsText(b *bytes.Buffer, warnings []string) {
	for _, w := range warnings {
		a.wrap(b, "Warning: "+fullStop(w))
	}
}

// reachText counts what a plan touches beside jobs. What is not known, or is
// none, is left out.
func reachText(p admin.Plan) string {
	var parts []string
	for _, part := range []struct {
		name string
		n    *int64
	}{{"customers", p.Customers}, {"outside the 24-hour window", p.OutsideWindow}, {"maybe sent already", p.MaybeSent}} {
		if part.n != nil && *part.n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", part.name, *part.n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return upperFirst(strings.Join(parts, ", ")) + "."
}

// skippedText says what is left alone.
func (a *app) skippedText(b *bytes.Buffer, skipped []admin.Skip) {
	for _, s := range skipped {
		a.wrap(b, fmt.Sprintf("Left alone: %s, %s.", plural(s.N, "job"), skipWord(s.Reason)))
	}
}

// skipWord writes a reason for people: those on the wire are words for programs.
func skipWord(reason string) string {
	switch reason {
	case "changed":
		return "changed since the plan"
	case "locked", "busy":
		return "busy with another change"
	case "ran":
		return "already run"
	}
	return strings.ReplaceAll(reason, "_", " ")
}

// splitText names the orgs with the most jobs: "acme 40, globex 2, 3 more".
func splitText(orgs []admin.OrgCount) string {
	const shown = 5
	var parts []string
	for i, o := range orgs {
		if i == shown {
			parts = append(parts, plural(int64(len(orgs)-shown), "more org"))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", text.Clean(o.Org), o.N))
	}
	return strings.Join(parts, ", ")
}

func orgCountColumns() []column[admin.OrgCount] {
	return []column[admin.OrgCount]{
		{name: "ORG", cell: func(o admin.OrgCount, _ time.Time) string { return o.Org }},
		{name: "JOBS", right: true, cell: func(o admin.OrgCount, _ time.Time) string { return countText(o.N) }},
	}
}

// wrap writes a sentence in lines that fit the terminal, those after the first
// indented.
func (a *app) wrap(b *bytes.Buffer, sentence string) {
	width := a.lineWidth()
	line := ""
	for word := range strings.FieldsSeq(text.Clean(sentence)) {
		switch {
		case line == "":
			line = word
		case text.Width(line)+1+text.Width(word) > width:
			fmt.Fprintln(b, line)
			line = "  " + word
		default:
			line += " " + word
		}
	}
	fmt.Fprintln(b, line)
}

const defaultWidth = 80

// lineWidth is how many cells a line has, for what people read.
func (a *app) lineWidth() int {
	if a.Width != nil {
		if n := a.Width(); n > 0 {
			return n
		}
	}
	return defaultWidth
}

func fullStop(s string) string {
	if s = strings.TrimSpace(s); s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
