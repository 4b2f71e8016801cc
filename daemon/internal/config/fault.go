package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault is one thing wrong with the settings, safe to print.
type Fault struct {
	Setting string // the setting's environment variable, or the unknown name
	Where   string // where it was set, if not by that variable: "slots in inboxd.yaml, line 3"
	Got     string // in words or quoted; "[redacted]" for secrets
	Want    string // in words
}

// String says it in one line: `INBOXD_SLOTS: got "many": want a whole number
// from 1 to 4096`.
func (f Fault) String() string {
	name := f.Setting
	if f.Where != "" {
		name += " (" + f.Where + ")"
	}
	return fmt.Sprintf("%s: got %s: want %s", name, f.Got, f.Want)
}

// Faults is every fault of the settings, found in one go.
type Faults []Fault //nolint:errname // the list reads as what it is: config.Faults

// Error gives one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Warnings are things that work but should not stay so, one sentence each.
type Warnings []string

// quote shows a value that was not taken. A long one is cut, and an address
// that may hold a password is not shown at all.
func quote(text string) string {
	const most = 60
	if strings.Contains(text, "@") {
		return "[redacted]"
	}
	if len(text) > most {
		return strconv.Quote(text[:most]) + "..."
	}
	return strconv.Quote(text)
}

// quoteName shows the name of an unknown setting: as it is, unless odd.
func quoteName(name string) string {
	if len(name) <= 60 && wordPattern.MatchString(name) {
		return name
	}
	return quote(name)
}

// nearest returns the candidate most like name, or "" if none is much like it.
// The same last part in another section counts as most alike.
func nearest(name string, candidates []string) string {
	best, least := "", 1+max(1, len(name)/3)
	for _, c := range candidates {
		if strings.EqualFold(c[strings.LastIndex(c, ".")+1:], name[strings.LastIndex(name, ".")+1:]) {
			return c
		}
		if d := distance(name, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the number of characters to change, add or drop (Levenshtein).
// Names over 64 bytes are like nothing.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
