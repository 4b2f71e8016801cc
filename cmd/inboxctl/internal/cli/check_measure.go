package cli

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// state is how bad something is, and the exit code that says so.
type state int

const (
	fine state = iota
	warning
	critical
	unknown
)

func (s state) String() string { return [...]string{"ok", "warning", "critical", "unknown"}[s] }

// measure is one number of a check. Bounds are in its unit; nil: none.
type measure struct {
	name       string
	value      float64
	unit       string // s, or empty for a number
	warn, crit *float64
	fewer      bool // it is bad to have fewer than the bound
}

func seconds(name string, d time.Duration, warn, crit time.Duration) measure {
	w, c := warn.Seconds(), crit.Seconds()
	return measure{name: name, value: d.Seconds(), unit: "s", warn: &w, crit: &c}
}

func number(name string, n int64) measure { return measure{name: name, value: float64(n)} }

func from(m measure, warn float64) measure { m.warn = &warn; return m }

// bound puts the bounds of --warn and --crit on the measures. What is named there
// replaces the defaults of that measure.
func bound(measures []measure, warn, crit string) error {
	for _, x := range []struct {
		flag, raw string
		of        func(*measure) **float64
	}{
		{"--warn", warn, func(m *measure) **float64 { return &m.warn }},
		{"--crit", crit, func(m *measure) **float64 { return &m.crit }},
	} {
		for _, word := range admin.SplitList([]string{x.raw}) {
			name, raw, named := strings.Cut(word, "=")
			if !named {
				name, raw = measures[0].name, word
			}
			m, err := measureNamed(measures, x.flag, name)
			if err != nil {
				return err
			}
			value, err := m.parse(x.flag, raw)
			if err != nil {
				return err
			}
			*x.of(m) = &value
		}
	}
	return nil
}

func measureNamed(measures []measure, flag, name string) (*measure, error) {
	var names []string
	for i := range measures {
		if measures[i].name == name {
			return &measures[i], nil
		}
		names = append(names, measures[i].name)
	}
	return nil, checkWord("measure", flag, name, names)
}

func (m *measure) parse(flag, raw string) (float64, error) {
	if m.unit == "s" {
		if d, err := parseDuration(flag, raw); err == nil {
			return d.Seconds(), nil
		}
		return 0, usagef("%s: %s %q is not a duration: use for example 30s or 10m", flag, m.name, raw)
	}
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil || n < 0 {
		return 0, usagef("%s: %s %q is not a number such as 10", flag, m.name, raw)
	}
	return n, nil
}

func (m *measure) state() state {
	beyond := func(b *float64) bool {
		switch {
		case b == nil:
			return false
		case m.fewer:
			return m.value < *b
		}
		return m.value >= *b
	}
	switch {
	case beyond(m.crit):
		return critical
	case beyond(m.warn):
		return warning
	}
	return fine
}

func (m *measure) text(value float64) string {
	switch {
	case m.unit == "s" && value == 0:
		return "0s"
	case m.unit == "s":
		return text.Millis(value * 1000)
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// why says which bound is passed: "oldest 1m35s (critical from 1m00s)".
func (m *measure) why() string {
	s, from := m.state(), "from"
	if s == fine {
		return m.name + " " + m.text(m.value)
	}
	b := m.warn
	if s == critical {
		b = m.crit
	}
	if m.fewer {
		from = "below"
	}
	return fmt.Sprintf("%s %s (%s %s %s)", m.name, m.text(m.value), s, from, m.text(*b))
}

// itemOf is the worst of the measures; what is bad is named first.
func itemOf(check string, r report) checkItem {
	worst := fine
	var bad, good []string
	item := checkItem{Check: check, Name: r.of, Measures: []measureItem{}}
	for i := range r.measures {
		m := &r.measures[i]
		s := m.state()
		worst = max(worst, s)
		if s == fine {
			good = append(good, m.why())
		} else {
			bad = append(bad, m.why())
		}
		item.Measures = append(item.Measures, measureItem{m.name, &m.value, m.unit, m.warn, m.crit, s.String()})
	}
	if r.broken != "" {
		worst, bad = critical, append([]string{r.broken}, bad...)
	}
	item.State, item.Code, item.Text = worst.String(), int(worst), text.Clean(strings.Join(append(bad, good...), ", "))
	return item
}

// nagios writes what Nagios, Icinga and their kin read: one line, with
// performance data after a bar.
func nagios(b *bytes.Buffer, item checkItem) {
	fmt.Fprintf(b, "%s %s - %s", strings.ToUpper(item.Check), strings.ToUpper(item.State), strings.ReplaceAll(strings.TrimPrefix(item.Name+": ", ": ")+item.Text, "|", "/"))
	for i, m := range item.Measures {
		if i == 0 {
			b.WriteString(" |")
		}
		fmt.Fprintf(b, " %s=%s%s;%s;%s;0", m.Name, plainNumber(m.Value), m.Unit, plainNumber(m.Warn), plainNumber(m.Crit))
	}
	b.WriteString("\n")
}

// promText writes metrics for a textfile collector.
func promText(b *bytes.Buffer, item checkItem) {
	fmt.Fprintf(b, "# HELP inboxd_check_state 0 ok, 1 warning, 2 critical, 3 unknown.\n# TYPE inboxd_check_state gauge\n")
	labels := fmt.Sprintf("check=%q,name=%q", item.Check, item.Name)
	fmt.Fprintf(b, "inboxd_check_state{%s} %d\n", labels, item.Code)
	if len(item.Measures) == 0 {
		return
	}
	fmt.Fprintf(b, "# HELP inboxd_check_value What was measured, times in seconds.\n# TYPE inboxd_check_value gauge\n")
	for _, m := range item.Measures {
		fmt.Fprintf(b, "inboxd_check_value{%s,measure=%q} %s\n", labels, m.Name, plainNumber(m.Value))
	}
}

func plainNumber(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}
