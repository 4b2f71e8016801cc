package cli

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// columnKey is what an operator writes for a column: "WAIT P95" is wait_p95.
func columnKey(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_"))
}

// sortItems puts items in the order of --sort: by a field of -o json, or by what a
// column shows. What is not known comes last, whatever the direction.
func sortItems[T any](a *app, items []T, columns []column[T], asOf time.Time) error {
	if a.flags.sort == "" {
		return nil
	}
	key, direction, _ := strings.Cut(a.flags.sort, ":")
	if direction != "" && direction != "desc" && direction != "asc" {
		return usagef("--sort %q: there is no direction %q: use asc or desc", a.flags.sort, direction)
	}
	read, err := sortKey(key, columns, asOf)
	if err != nil {
		return err
	}
	slices.SortStableFunc(items, func(x, y T) int {
		p, q := read(x), read(y)
		if p == "" || q == "" {
			return cmp.Compare(len(q), len(p)) // the empty one last
		}
		if direction == "desc" {
			p, q = q, p
		}
		return compareText(p, q)
	})
	return nil
}

// sortKey returns how the value to sort by is read.
func sortKey[T any](key string, columns []column[T], asOf time.Time) (func(T) string, error) {
	var zero T
	fields, err := flatten(zero)
	if err != nil {
		return nil, err
	}
	var words []string
	for i, f := range fields {
		if f.name == key {
			return func(item T) string {
				values, err := flatten(item)
				if err != nil {
					return ""
				}
				return fieldOf(values, i, key)
			}, nil
		}
		words = append(words, f.name)
	}
	for _, c := range columns {
		if columnKey(c.name) == columnKey(key) {
			return func(item T) string {
				if s := c.cell(item, asOf); s != "-" && s != "–" {
					return s
				}
				return ""
			}, nil
		}
		words = append(words, columnKey(c.name))
	}
	return nil, unknownKey("--sort", key, words)
}

// fieldOf finds a field by name; at is where it is unless something before it is
// an object in one item and null in another.
func fieldOf(values []field, at int, name string) string {
	if at < len(values) && values[at].name == name {
		return values[at].value
	}
	for _, f := range values {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func unknownKey(flag, key string, words []string) error {
	slices.Sort(words)
	words = slices.Compact(words)
	if near := admin.Nearest(key, words); near != "" {
		return usagef("%s: there is no column %q: did you mean %s?", flag, key, near)
	}
	return usagef("%s: there is no column %q: use one of %s", flag, key, strings.Join(words, ", "))
}

// compareText compares what has a size by its size: numbers, also as people read
// them (14.9k, 97%, 58/60), and durations (949ms, 1m19s, 3d04h).
func compareText(a, b string) int {
	x, sizedX := sizeOf(a)
	y, sizedY := sizeOf(b)
	if sizedX && sizedY {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}

// sizeOf reads a cell of a table back; false: it is a word.
func sizeOf(cell string) (float64, bool) {
	s := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(cell, "!"), " ago"), "in "), "%")
	s, _, _ = strings.Cut(s, "/")
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return n, true
	}
	for unit, size := range map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12} {
		if n, err := strconv.ParseFloat(strings.TrimSuffix(s, unit), 64); err == nil {
			return n * size, true
		}
	}
	var days float64
	if before, after, found := strings.Cut(s, "d"); found {
		n, err := strconv.ParseFloat(before, 64)
		if err != nil {
			return 0, false
		}
		if days, s = n, after; s == "" {
			s = "0s"
		}
	}
	d, err := time.ParseDuration(s)
	return days*24*time.Hour.Seconds() + d.Seconds(), err == nil
}

// chosenColumns are those of --columns, in its order; all without it. wide is
// then true: whoever names a column wants it.
func chosenColumns[T any](a *app, columns []column[T]) (chosen []column[T], wide bool, err error) {
	if a.flags.columns == "" {
		return columns, a.flags.output == "wide", nil
	}
	for _, key := range admin.SplitList([]string{a.flags.columns}) {
		i := slices.IndexFunc(columns, func(c column[T]) bool { return columnKey(c.name) == columnKey(key) })
		if i < 0 {
			var words []string
			for _, c := range columns {
				words = append(words, columnKey(c.name))
			}
			return nil, false, unknownKey("--columns", key, words)
		}
		chosen = append(chosen, columns[i])
	}
	return chosen, true, nil
}

// chosenFields is chosenColumns for csv, whose columns are fields.
func chosenFields(a *app, fields []field) ([]string, error) {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	if a.flags.columns == "" {
		return all, nil
	}
	chosen := admin.SplitList([]string{a.flags.columns})
	for _, key := range chosen {
		if !slices.Contains(all, key) {
			return nil, unknownKey("--columns", key, all)
		}
	}
	return chosen, nil
}
