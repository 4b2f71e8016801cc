package tui

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// parseSelector reads words like org=acme state:dead older-than=10m: the flags
// of the command line, without the dashes.
func parseSelector(words []string) (admin.Selector, error) {
	values := url.Values{}
	for _, word := range words {
		key, value, ok := strings.Cut(strings.Replace(word, "=", ":", 1), ":")
		key = strings.TrimLeft(key, "-")
		if !ok || value == "" {
			return admin.Selector{}, fmt.Errorf("%q is not key=value: write org=acme state=dead", brief(word))
		}
		switch key {
		case "older-than", "older_than":
			d, err := time.ParseDuration(value)
			if err != nil || d < 0 {
				return admin.Selector{}, fmt.Errorf("older-than=%s is no duration: write 90s, 10m or 2h", brief(value))
			}
			values.Set("older_than_ms", fmt.Sprint(d.Milliseconds()))
			continue
		case "since", "until":
			if d, err := time.ParseDuration(value); err == nil {
				value = time.Now().Add(-d).UTC().Format(time.RFC3339)
			}
		}
		if !slices.Contains(admin.SelectorParams(), key) {
			near := admin.Nearest(key, admin.SelectorParams())
			if near == "" {
				near = strings.Join(admin.SelectorParams(), ", ")
			}
			return admin.Selector{}, fmt.Errorf("there is no key %s: try %s", brief(key), near)
		}
		values.Add(key, value)
	}
	return admin.ParseSelector(values) //nolint:wrapcheck // The words are for the operator.
}

// writeSelector is how a selector is shown: what one would type.
func writeSelector(s admin.Selector) string {
	var words []string
	for _, key := range admin.SelectorParams() {
		if v := s.Values().Get(key); v != "" {
			words = append(words, key+"="+brief(v))
		}
	}
	return strings.Join(words, " ")
}
