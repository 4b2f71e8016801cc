package cli

import (
	"strings"

	"github.com/bandeja/inboxd/tui/text"
)

// wrapProse fills paragraphs that are too wide again. What is indented is no
// prose: it stays as it was written.
func wrapProse(s string, width int) string {
	paragraphs := strings.Split(s, "\n\n")
	for i, p := range paragraphs {
		if tooWide(p, width) && !strings.Contains("\n"+p, "\n ") {
			paragraphs[i] = fill(strings.Fields(p), width)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

func tooWide(s string, width int) bool {
	for line := range strings.SplitSeq(s, "\n") {
		if text.Width(line) > width {
			return true
		}
	}
	return false
}

func fill(words []string, width int) string {
	var b strings.Builder
	column := 0
	for _, w := range words {
		switch n := text.Width(w); {
		case column == 0:
			column = n
		case column+1+n > width:
			b.WriteByte('\n')
			column = n
		default:
			b.WriteByte(' ')
			column += 1 + n
		}
		b.WriteString(w)
	}
	return b.String()
}

// foldExamples continues commands that are too wide on the next line, as a shell
// reads it.
func foldExamples(s string, width int) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = foldCommand(line, width)
	}
	return strings.Join(lines, "\n")
}

func foldCommand(line string, width int) string {
	if text.Width(line) <= width {
		return line
	}
	at := lastGap(line, width-len(` \`))
	if at <= 0 {
		return line
	}
	return line[:at] + " \\\n" + foldCommand("      "+line[at+1:], width)
}

// lastGap is the last space before a column that no quotes or $(...) are around; 0
// if there is none but the indent.
func lastGap(line string, before int) (at int) {
	var quote rune
	depth, begun := 0, false
	for i, r := range line {
		switch {
		case i > before:
			return at
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ' ' && begun && depth == 0:
			at = i
		}
		begun = begun || r != ' '
	}
	return at
}
