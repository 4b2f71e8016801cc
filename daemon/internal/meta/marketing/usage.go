package marketing

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	// nearly is the share of a quota, in percent, from which we slow down.
	nearly = 90
	// defaultQuiet is how long then, if no header says how long.
	defaultQuiet = 5 * time.Minute
	longestQuiet = time.Hour
)

// Usage is how much of its quotas an account has used.
type Usage struct {
	Percent float64       // the fullest quota
	Regain  time.Duration // when it will be emptier; 0: not said
}

// UsageOf reads the usage headers. Of x-business-use-case-usage the wait is in
// minutes, of x-ad-account-usage in seconds; the others are percents alone.
func UsageOf(header http.Header) *Usage {
	u := &Usage{}
	u.business(header.Get("X-Business-Use-Case-Usage"))
	u.account(header.Get("X-Ad-Account-Usage"))
	var insights struct {
		App     float64 `json:"app_id_util_pct"`
		Account float64 `json:"acc_id_util_pct"`
	}
	if json.Unmarshal([]byte(header.Get("X-Fb-Ads-Insights-Throttle")), &insights) == nil {
		u.Percent = max(u.Percent, insights.App, insights.Account)
	}
	var app calls
	if json.Unmarshal([]byte(header.Get("X-App-Usage")), &app) == nil {
		u.Percent = max(u.Percent, app.percent())
	}
	return u
}

// calls is one quota of the Graph API.
type calls struct {
	Calls   float64 `json:"call_count"`
	CPU     float64 `json:"total_cputime"`
	Time    float64 `json:"total_time"`
	Minutes float64 `json:"estimated_time_to_regain_access"`
}

func (c calls) percent() float64 { return max(c.Calls, c.CPU, c.Time) }

func (u *Usage) business(header string) {
	var usage map[string][]calls
	if json.Unmarshal([]byte(header), &usage) != nil {
		return
	}
	for _, entries := range usage {
		for _, entry := range entries {
			u.Percent = max(u.Percent, entry.percent())
			u.Regain = max(u.Regain, time.Duration(min(max(entry.Minutes, 0), longestQuiet.Minutes())*float64(time.Minute)))
		}
	}
}

func (u *Usage) account(header string) {
	var usage struct {
		Percent float64 `json:"acc_id_util_pct"`
		Seconds float64 `json:"reset_time_duration"`
	}
	if json.Unmarshal([]byte(header), &usage) != nil {
		return
	}
	u.Percent = max(u.Percent, usage.Percent)
	if usage.Percent >= nearly {
		u.Regain = max(u.Regain, time.Duration(min(max(usage.Seconds, 0), longestQuiet.Seconds())*float64(time.Second)))
	}
}

// Quiet returns how long to leave the account alone so that the quota is not
// used up; 0 while there is enough of it.
func (u *Usage) Quiet() time.Duration {
	switch {
	case u.Percent < nearly:
		return 0
	case u.Regain > 0:
		return u.Regain
	}
	return defaultQuiet
}
