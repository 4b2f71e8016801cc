package meta

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// maxWait bounds what a header may ask for: a job is not kept longer than a
// day.
const maxWait = 24 * time.Hour

// waitOf returns how long the headers of a throttled answer ask to wait; 0 if
// they do not say.
func waitOf(header http.Header) time.Duration {
	return max(retryAfter(header), regainAccess(header), accountReset(header))
}

// retryAfter reads Retry-After: seconds, or a date, which is taken relative to
// the server's own Date so that our clock does not matter.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return bounded(time.Duration(seconds) * time.Second)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return bounded(until.Sub(now))
}

// regainAccess reads the longest estimated_time_to_regain_access, in minutes,
// of x-business-use-case-usage: {"<business object>":[{...},...]}.
func regainAccess(header http.Header) time.Duration {
	var usage map[string][]struct {
		Minutes float64 `json:"estimated_time_to_regain_access"`
	}
	if err := json.Unmarshal([]byte(header.Get("X-Business-Use-Case-Usage")), &usage); err != nil {
		return 0
	}
	minutes := 0.0
	for _, entries := range usage {
		for _, entry := range entries {
			minutes = math.Max(minutes, entry.Minutes)
		}
	}
	return bounded(time.Duration(math.Min(minutes, maxWait.Minutes()) * float64(time.Minute)))
}

// accountReset reads when an ad account that has used up its quota can go on,
// in seconds, from x-ad-account-usage.
func accountReset(header http.Header) time.Duration {
	var usage struct {
		Percent float64 `json:"acc_id_util_pct"`
		Seconds float64 `json:"reset_time_duration"`
	}
	err := json.Unmarshal([]byte(header.Get("X-Ad-Account-Usage")), &usage)
	if err != nil || usage.Percent < 100 {
		return 0
	}
	return bounded(time.Duration(math.Min(usage.Seconds, maxWait.Seconds()) * float64(time.Second)))
}

func bounded(d time.Duration) time.Duration { return min(max(d, 0), maxWait) }
