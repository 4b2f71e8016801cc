package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limit is what an org may do now. Source says where the value comes from:
// default, own (set for the org) or temporary (set until ExpiresAt, and in front
// of LastingValue until then). Value is null for a concurrency without bound.
// WindowMS is null for weight and concurrency, which are no rates.
type Limit struct {
	ID              string     `json:"id"`
	Name            string     `json:"name"`
	Org             string     `json:"org"`
	Value           *int       `json:"value"`
	WindowMS        *int64     `json:"window_ms"`
	Source          string     `json:"source"`
	LastingValue    *int       `json:"lasting_value"`
	LastingWindowMS *int64     `json:"lasting_window_ms"`
	Owner           *string    `json:"owner"`
	Reason          *string    `json:"reason"`
	SetAt           *time.Time `json:"set_at"`
	ExpiresAt       *time.Time `json:"expires_at"`

	// What follows is known only where one org is asked for. Used is how much of
	// the value is in use now: tokens of the window, or jobs under way. APIUsed
	// is what the API has accepted in the window, Waiting how many ready jobs this
	// limit is about. While Throttled, nothing more may leave before ResetMS.
	Used      *int   `json:"used"`
	APIUsed   *int   `json:"api_used"`
	Waiting   *int64 `json:"waiting"`
	Throttled *bool  `json:"throttled"`
	ResetMS   *int64 `json:"reset_ms"`
}

// The sources of a limit.
const (
	SourceDefault   = "default"
	SourceOwn       = "own"
	SourceTemporary = "temporary"
)

// LimitSet asks to set limits of one org: by name, as an operator writes them
// (send_text: 120/min, weight: 2). LastsMS 0 means until somebody changes them
// again. A lasting value ends a temporary one of its name.
type LimitSet struct {
	Org     string            `json:"org"`
	Values  map[string]string `json:"values"`
	LastsMS int64             `json:"lasts_ms,omitempty"`
	DryRun  bool              `json:"dry_run"`
	Reason  string            `json:"reason,omitempty"`
}

// LimitReset asks to give an org the defaults back: of these names, of all if
// there are none. With Temporary only temporary values end, and the lasting ones
// behind them hold again.
type LimitReset struct {
	Org       string   `json:"org"`
	Names     []string `json:"names,omitempty"`
	Temporary bool     `json:"temporary,omitempty"`
	DryRun    bool     `json:"dry_run"`
	Reason    string   `json:"reason,omitempty"`
}

// LimitResult says what the limits were and are; in a dry run, would be. Applied
// is null if nothing was changed.
type LimitResult struct {
	DryRun  bool     `json:"dry_run"`
	Org     string   `json:"org"`
	Before  []Limit  `json:"before"`
	Limits  []Limit  `json:"limits"`
	Applied *Applied `json:"applied"`
}

// LimitNames lists what can be limited per org: rates, then weight (the share
// of an org when several wait) and concurrency (most jobs under way at once).
func LimitNames() []string {
	return []string{"send_text", "send_template", "retry", "assign", "weight", "concurrency"}
}

const (
	maxRate        = 1_000_000
	maxWeight      = 10
	maxConcurrency = 10_000
)

// ParseLimit reads a value as operators write it: 120/min for a rate, a number
// for weight and concurrency, whose window is 0. It returns an Invalid Error that
// says what would be right. Both sides use it.
func ParseLimit(name, raw string) (value int, window time.Duration, err error) {
	switch name {
	case "weight":
		value, err = parseCount(name, raw, maxWeight)
		return value, 0, err
	case "concurrency":
		value, err = parseCount(name, raw, maxConcurrency)
		return value, 0, err
	}
	if !slices.Contains(LimitNames(), name) {
		if near := Nearest(name, LimitNames()); near != "" {
			return 0, 0, errorf(Invalid, "unknown_limit", "there is no limit %q: did you mean %s?", name, near)
		}
		return 0, 0, errorf(Invalid, "unknown_limit", "there is no limit %q: use one of %s", name, strings.Join(LimitNames(), ", "))
	}
	return parseRate(name, raw)
}

func parseCount(name, raw string, most int) (int, error) {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > most {
		return 0, errorf(Invalid, "bad_limit", "%s %q is not possible: use a whole number from 1 to %d", name, raw, most)
	}
	return n, nil
}

func parseRate(name, raw string) (int, time.Duration, error) {
	number, unit, found := strings.Cut(raw, "/")
	window := map[string]time.Duration{"s": time.Second, "min": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || n < 0 || n > maxRate:
		return 0, 0, errorf(Invalid, "bad_limit", "%s %q is not a rate: use a whole number from 0 to %d per time, such as 120/min", name, raw, maxRate)
	case !found:
		return 0, 0, errorf(Invalid, "bad_limit", "%s %q does not say per what: write %d/s, %d/min or %d/h", name, raw, n, n, n)
	case window == 0:
		return 0, 0, errorf(Invalid, "bad_limit", "%s %q: there is no unit %q: write %d/s, %d/min or %d/h", name, raw, unit, n, n, n)
	}
	return n, window, nil
}

// LimitText writes a value as ParseLimit reads it; "none" for no bound.
func LimitText(value *int, windowMS *int64) string {
	switch {
	case value == nil:
		return "none"
	case windowMS == nil:
		return strconv.Itoa(*value)
	}
	window := time.Duration(*windowMS) * time.Millisecond
	unit, ok := map[time.Duration]string{time.Second: "s", time.Minute: "min", time.Hour: "h"}[window]
	if !ok {
		unit = window.String()
	}
	return fmt.Sprintf("%d/%s", *value, unit)
}
