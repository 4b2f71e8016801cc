package screen

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// term is one word of a filter: a text, ~regex, key:value or key>number, each of
// them turned around by an ! before it.
type term struct {
	not     bool
	text    string
	pattern *regexp.Regexp
	sign    byte // ':' '>' '<'; 0: a text
	bound   float64
}

// terms reads the filter. A key that no column has, and a pattern that is not
// whole yet, are texts.
func (l *list[T]) terms() (terms []columnTerm[T]) {
	for word := range strings.FieldsSeq(l.filter) {
		var t columnTerm[T]
		rest, not := strings.CutPrefix(word, "!")
		if rest == "" {
			continue
		}
		t.not, t.text = not, strings.ToLower(rest)
		if pattern, ok := strings.CutPrefix(rest, "~"); ok {
			t.pattern, _ = regexp.Compile("(?i)" + pattern)
		} else if at := strings.IndexAny(rest, ":=><"); at > 0 {
			t.by(l, rest[:at], rest[at], strings.ToLower(rest[at+1:]))
		}
		terms = append(terms, t)
	}
	return terms
}

// columnTerm is a term that may look at one column.
type columnTerm[T any] struct {
	term

	column column[T]
}

// by makes it one about a column, if there is such a column.
func (t *columnTerm[T]) by(l *list[T], key string, sign byte, value string) {
	for _, c := range l.columns {
		if !strings.EqualFold(c.Title, key) && !strings.EqualFold(c.name, key) {
			continue
		}
		bound, ok := quantity(value)
		if sign == '=' {
			sign = ':'
		}
		if c.word == nil && !ok || sign != ':' && c.value == nil {
			return
		}
		t.column, t.sign, t.text, t.bound = c, sign, value, bound
		return
	}
}

// matches reports whether a row has all that the filter asks for.
func (l *list[T]) matches(r T, terms []columnTerm[T]) bool {
	for _, t := range terms {
		if t.holds(l, r) == t.not {
			return false
		}
	}
	return true
}

func (t columnTerm[T]) holds(l *list[T], r T) bool {
	switch {
	case t.pattern != nil:
		return t.pattern.MatchString(l.text(r))
	case t.sign == 0:
		return strings.Contains(strings.ToLower(l.text(r)), t.text)
	case t.column.value == nil:
		return strings.Contains(strings.ToLower(t.column.word(r)), t.text)
	}
	v := t.column.value(r)
	switch {
	case v == nil:
		return false // what is not known is neither more nor less
	case t.sign == '>':
		return *v > t.bound
	case t.sign == '<':
		return *v < t.bound
	}
	return *v == t.bound
}

// quantity reads 30s as milliseconds, 80% as a share, 5k as 5000, and a number
// as it is.
func quantity(s string) (float64, bool) {
	if d, err := time.ParseDuration(s); err == nil && s != "0" {
		return float64(d) / float64(time.Millisecond), true
	}
	scale := 1.0
	for unit, factor := range map[string]float64{"%": 0.01, "k": 1e3, "m": 1e6} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			s, scale = rest, factor
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v * scale, err == nil
}
