package marketing

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// The fields we ask for.
const (
	insightFields = "account_id,account_currency,campaign_id,campaign_name,spend,impressions,clicks"
	RunFields     = "async_status,async_percent_completion,error_code,error_subcode,error_message"
	AccountFields = "account_id,timezone_name,account_status"
)

// PageSize is how many rows a page may have: some 150 kB.
const PageSize = "500"

// AccountID returns the number of an ad account, which operators also write
// with its prefix.
func AccountID(externalID string) string { return strings.TrimPrefix(externalID, "act_") }

// Query asks for the daily spend of every campaign in a range of days of the
// account's time zone.
func Query(r inbox.DayRange) url.Values {
	days, _ := json.Marshal(map[string]string{ //nolint:errchkjson // Strings cannot fail.
		"since": r.Since.Format(inbox.DayLayout), "until": r.Until.Format(inbox.DayLayout),
	})
	return url.Values{
		"level": {"campaign"}, "fields": {insightFields}, "time_range": {string(days)}, "time_increment": {"1"}, "limit": {PageSize},
	}
}
