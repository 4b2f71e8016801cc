package report

import "fmt"

// Target is one promise of the design and what came of it.
type Target struct {
	What   string `json:"what"`
	Want   string `json:"want"`
	Got    string `json:"got"`
	Met    string `json:"met"`              // yes, no, or unknown where a contender was missing
	Reason string `json:"reason,omitempty"` // why not
}

// Because gives the reason if the target is not met.
func (t Target) Because(reason string) Target {
	if t.Met == "no" {
		t.Reason = reason
	}
	return t
}

// AtLeast judges a figure by its median.
func AtLeast(what string, least float64, digits int, f Figure) Target {
	return judge(what, "≥ "+number(least, digits), digits, f, func(v float64) bool { return v >= least })
}

// AtMost judges a figure by its median.
func AtMost(what string, most float64, digits int, f Figure) Target {
	return judge(what, "≤ "+number(most, digits), digits, f, func(v float64) bool { return v <= most })
}

// Within judges a ratio that should stay at one.
func Within(what string, share float64, f Figure) Target {
	return judge(what, fmt.Sprintf("1 ± %.2f", share), 2, f, func(v float64) bool { return v >= 1-share && v <= 1+share })
}

func judge(what, want string, digits int, f Figure, met func(float64) bool) Target {
	t := Target{What: what, Want: want, Got: f.Show(digits), Met: "unknown"}
	if len(f) > 0 {
		t.Met = "no"
		if met(f.Median()) {
			t.Met = "yes"
		}
	}
	return t
}
