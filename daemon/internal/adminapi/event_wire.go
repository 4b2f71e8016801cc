package adminapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// wireEvent leaves out, for who is bound to an org, on which process it was.
func wireEvent(e inspect.Event, bound bool) admin.Event {
	w := admin.Event{
		ID: e.ID, Event: e.What, At: e.At.UTC(), Org: word(e.Org), JobID: idWord(e.JobID), ErrorClass: word(string(e.Class)), ErrorCode: e.Code,
		Who: word(e.Who), Text: word(e.Text),
	}
	if !bound {
		w.Process = word(e.Process)
	}
	if e.Queue != 0 {
		w.Queue = word(e.Queue.String())
	}
	if e.Type != 0 {
		w.Type = word(e.Type.String())
	}
	if e.Attempt > 0 {
		w.Attempt = &e.Attempt
	}
	if e.Change != nil {
		addChange(&w, *e.Change)
	}
	return w
}

// changed is what a feed reads from the detail of a change: the fields that
// actions which concern the engine have.
type changed struct {
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// addChange says in a line what an operator did.
func addChange(w *admin.Event, e inbox.AuditEntry) {
	var d changed
	_ = json.Unmarshal(e.Detail, &d) // What cannot be read is left out: the audit trail has it.
	said := e.Target
	if more := changeText(e.Action, d); more != "" {
		said = more
	}
	if e.Reason != "" {
		said += ": " + e.Reason
	}
	w.Text = &said
}

// changeText is what was changed where that is short; else the target says which.
func changeText(action string, d changed) string {
	switch action {
	case "limits.set":
		return limitsSaid(d.After)
	case "limits.reset":
		return limitsSaid(d.Before) + " ended"
	case "queues.dial":
		var before, after struct {
			Dial *int `json:"dial"`
		}
		if json.Unmarshal(d.Before, &before) != nil || json.Unmarshal(d.After, &after) != nil || after.Dial == nil {
			return ""
		}
		if before.Dial == nil {
			return fmt.Sprintf("%d%% by Redis", *after.Dial)
		}
		return fmt.Sprintf("%d%% to %d%% by Redis", *before.Dial, *after.Dial)
	}
	return ""
}

// limitsSaid writes values as the audit trail has them: "send_text 120/min for
// 2h0m0s, weight 2".
func limitsSaid(raw json.RawMessage) string {
	var values []struct {
		Name      string     `json:"name"`
		Value     int        `json:"value"`
		WindowMS  *int64     `json:"window_ms"`
		LastsMS   int64      `json:"lasts_ms"`
		ExpiresAt *time.Time `json:"expires_at"`
	}
	_ = json.Unmarshal(raw, &values)
	var words []string
	for _, v := range values {
		said := v.Name + " " + admin.LimitText(&v.Value, v.WindowMS)
		switch {
		case v.LastsMS > 0:
			said += " for " + shortSpan(span(v.LastsMS))
		case v.ExpiresAt != nil:
			said += " (temporary)"
		}
		words = append(words, said)
	}
	return strings.Join(words, ", ")
}

// shortSpan writes 2h, 1h30m or 45s without the parts that are zero.
func shortSpan(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}
