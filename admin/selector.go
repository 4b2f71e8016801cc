package admin

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Selector chooses jobs: each field narrows, several values of one field widen.
// Since and Until (excluded) bound when the job was created, OlderThanMS how
// long ago. Sig are error signatures, as an ErrorGroup has them: only live jobs
// have any. The zero Selector chooses everything.
type Selector struct {
	Org         []string   `json:"org,omitempty"`
	Queue       []string   `json:"queue,omitempty"`
	Type        []string   `json:"type,omitempty"`
	State       []string   `json:"state,omitempty"`
	Error       []string   `json:"error,omitempty"`
	Sig         []string   `json:"sig,omitempty"`
	User        []string   `json:"user,omitempty"`
	Since       *time.Time `json:"since,omitempty"`
	Until       *time.Time `json:"until,omitempty"`
	OlderThanMS *int64     `json:"older_than_ms,omitempty"`
	IDs         []string   `json:"ids,omitempty"`
}

// Empty reports whether s chooses everything.
func (s Selector) Empty() bool {
	return len(s.Org)+len(s.Queue)+len(s.Type)+len(s.State)+len(s.Error)+len(s.Sig)+len(s.User)+len(s.IDs) == 0 &&
		s.Since == nil && s.Until == nil && s.OlderThanMS == nil
}

// SelectorParams lists the query parameters of a selector.
func SelectorParams() []string {
	return []string{"org", "queue", "type", "state", "error", "sig", "user", "since", "until", "older_than_ms", "ids"}
}

// Values returns s as query parameters.
func (s Selector) Values() url.Values {
	v := url.Values{}
	for name, words := range lists(&s) {
		if len(*words) > 0 {
			v.Set(name, strings.Join(*words, ","))
		}
	}
	if s.Since != nil {
		v.Set("since", s.Since.Format(time.RFC3339Nano))
	}
	if s.Until != nil {
		v.Set("until", s.Until.Format(time.RFC3339Nano))
	}
	if s.OlderThanMS != nil {
		v.Set("older_than_ms", strconv.FormatInt(*s.OlderThanMS, 10))
	}
	return v
}

// ParseSelector reads what Values wrote; a parameter may also be repeated. It
// returns an Invalid Error that names the bad value.
func ParseSelector(v url.Values) (Selector, error) {
	var s Selector
	for name, words := range lists(&s) {
		*words = SplitList(v[name])
	}
	var err error
	if s.Since, err = parseTime(v, "since"); err != nil {
		return s, err
	}
	if s.Until, err = parseTime(v, "until"); err != nil {
		return s, err
	}
	if raw := v.Get("older_than_ms"); raw != "" {
		ms, err := strconv.ParseInt(raw, 10, 64)
		if err != nil || ms < 0 {
			return s, errorf(Invalid, "bad_selector", "older_than_ms %q is not a number of milliseconds", raw)
		}
		s.OlderThanMS = &ms
	}
	return s, nil
}

func lists(s *Selector) map[string]*[]string {
	return map[string]*[]string{
		"org": &s.Org, "queue": &s.Queue, "type": &s.Type, "state": &s.State,
		"error": &s.Error, "sig": &s.Sig, "user": &s.User, "ids": &s.IDs,
	}
}

func parseTime(v url.Values, name string) (*time.Time, error) {
	raw := v.Get(name)
	if raw == "" {
		return nil, nil //nolint:nilnil // No bound is the ordinary case.
	}
	t, err := time.Parse(time.RFC3339, raw)
	if err != nil {
		return nil, errorf(Invalid, "bad_selector", "%s %q is not an RFC 3339 time such as 2026-01-31T15:04:05Z", name, raw)
	}
	return &t, nil
}

// SplitList splits each value at its commas, trims, and drops what is empty.
func SplitList(values []string) []string {
	var words []string
	for _, value := range values {
		for word := range strings.SplitSeq(value, ",") {
			if word = strings.TrimSpace(word); word != "" && !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
	}
	return words
}
