package marketing

import (
	"encoding/json"
	"strconv"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// RunID reads the answer to the start of a report; empty if there is none.
func RunID(body []byte) string {
	id := text(members(body)["report_run_id"])
	if !campaignPattern.MatchString(id) {
		return ""
	}
	return id
}

// State reads how far a report is. It is done only if the provider says both
// completed and 100 %: a failed one may say 100 too, a completed one less.
func State(body []byte) inbox.ReportState {
	data := members(body)
	percent, err := strconv.Atoi(text(data["async_percent_completion"]))
	if err != nil {
		percent = 0
	}
	return inbox.ReportState{Done: text(data["async_status"]) == "Job Completed" && percent == 100, Percent: percent}
}

// TimeZone reads the time zone of an ad account; empty if there is none.
func TimeZone(body []byte) string { return text(members(body)["timezone_name"]) }

func members(body []byte) map[string]json.RawMessage {
	var data map[string]json.RawMessage
	if json.Unmarshal(body, &data) != nil {
		return nil
	}
	return data
}
