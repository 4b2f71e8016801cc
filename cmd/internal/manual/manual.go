// Package manual writes a program's manual page from its commands, so that the
// page cannot promise what the program does not know. It owns the form of a
// page; it refuses to know any command.
package manual

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Page says what a page is called.
type Page struct {
	Section int    // 1, 5 or 8
	Date    string // of the build, as 2006-01-02; may be empty
	Version string // as "inboxd v1.2.3"
	SeeAlso string // other pages: "inboxctl(1), inboxd.yaml(5)"
}

// Commands writes one page with every command that is not hidden.
func Commands(w io.Writer, root *cobra.Command, p Page) error {
	r := Roff{}
	r.Title(root.Name(), p, root.Short)
	r.Section("SYNOPSIS")
	r.Code(root.UseLine())
	r.Section("DESCRIPTION")
	r.Text(root.Long)
	r.flags("OPTIONS", root.NonInheritedFlags())
	r.Section("COMMANDS")
	r.commands(root)
	r.examples(root)
	r.Section("SEE ALSO")
	r.Text(p.SeeAlso)
	_, err := io.WriteString(w, r.String())
	return err
}

// Roff is the text of a page under way.
type Roff struct{ strings.Builder }

// put writes; a builder never fails.
func (r *Roff) put(format string, args ...any) { _, _ = fmt.Fprintf(r, format, args...) }

// Title begins the page.
func (r *Roff) Title(name string, p Page, short string) {
	r.put(".TH %s %d %q %q\n", strings.ToUpper(name), p.Section, p.Date, p.Version)
	r.Section("NAME")
	r.put("%s \\- %s\n", escape(name), escape(short))
}

// Section begins a section.
func (r *Roff) Section(title string) { r.put(".SH %s\n", title) }

// Text writes paragraphs; a line that begins with spaces stays a line.
func (r *Roff) Text(text string) {
	if strings.Contains(text, "\n ") {
		r.Code(text)
		return
	}
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		r.put(".PP\n%s\n", escape(part))
	}
}

// Code writes lines as they are.
func (r *Roff) Code(text string) {
	r.put(".PP\n.nf\n%s\n.fi\n", escape(strings.Trim(text, "\n")))
}

// Item writes one entry of a list.
func (r *Roff) Item(head, text string) {
	r.put(".TP\n\\fB%s\\fR\n%s\n", escape(head), escape(text))
}

func (r *Roff) commands(parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		if c.HasSubCommands() {
			r.put(".SS %s\n%s\n", escape(c.CommandPath()), escape(c.Short))
			r.commands(c)
			continue
		}
		r.put(".SS %s\n%s\n", escape(c.UseLine()), escape(c.Short))
		if c.Long != "" {
			r.Text(c.Long)
		}
		r.flags("", c.LocalNonPersistentFlags())
		r.examples(c)
	}
}

func (r *Roff) flags(title string, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if title != "" {
			r.Section(title)
			title = ""
		}
		head := "--" + f.Name
		if f.Shorthand != "" {
			head = "-" + f.Shorthand + ", " + head
		}
		value, usage := pflag.UnquoteUsage(f)
		if value != "" {
			head += " " + value
		}
		r.Item(head, usage)
	})
}

func (r *Roff) examples(c *cobra.Command) {
	if c.Example != "" {
		r.Code(c.Example)
	}
}

// escape keeps text from being read as commands of the formatter.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
