package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SLAFigures are what the questions of a window come to. Compliance is met ÷ n
// and null without a verdict: no data is not 100 %. Pending and at risk (due
// within 60 s) are in no share; overdue are unanswered and missed already.
// Percentiles are of the answers' open time.
type SLAFigures struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Org          string   `json:"org"`
	User         *string  `json:"user"`
	Who          *string  `json:"who"` // user, phone_app or unassigned; null unless split by user
	ChannelID    *string  `json:"channel_id"`
	ChannelKind  *string  `json:"channel_kind"`
	TargetMS     int64    `json:"target_ms"`
	Objective    float64  `json:"objective"`
	Compliance   *float64 `json:"compliance"`
	N            int64    `json:"n"`
	Met          int64    `json:"met"`
	Missed       int64    `json:"missed"`
	Pending      int64    `json:"pending"`
	AtRisk       int64    `json:"at_risk"`
	Overdue      int64    `json:"overdue"`
	P50MS        *int64   `json:"p50_ms"`
	P90MS        *int64   `json:"p90_ms"`
	P95MS        *int64   `json:"p95_ms"`
	WorstMS      *int64   `json:"worst_ms"`
	OldestOpenMS *int64   `json:"oldest_open_ms"`
}

// SLACase is one question of a customer: missed, or about to be. User is who is
// charged, null if nobody of ours. Spent and Cause are null while nobody has
// looked, and for what is not missed.
type SLACase struct {
	ID             string     `json:"id"`
	ConversationID string     `json:"conversation_id"`
	Org            string     `json:"org"`
	User           *string    `json:"user"`
	Who            string     `json:"who"`
	ChannelID      string     `json:"channel_id"`
	ChannelKind    string     `json:"channel_kind"`
	First          bool       `json:"first"` // of its conversation
	StartedAt      time.Time  `json:"started_at"`
	ReceivedAt     time.Time  `json:"received_at"`
	DueAt          time.Time  `json:"due_at"`
	AnsweredAt     *time.Time `json:"answered_at"`
	ResponseMS     *int64     `json:"response_ms"`
	Cause          *string    `json:"cause"`
	Spent          *SLASpent  `json:"spent"`
}

// SLASpent is what the time of a miss went to, from the question to the answer,
// or to the due time without one. The parts add up.
type SLASpent struct {
	HumanMS     int64 `json:"human_ms"`
	ClosedMS    int64 `json:"closed_ms"` // outside business hours
	QueueWaitMS int64 `json:"queue_wait_ms"`
	HoldMS      int64 `json:"hold_ms"`
	LimitMS     int64 `json:"limit_ms"`
	RetriesMS   int64 `json:"retries_ms"`
	ProviderMS  int64 `json:"provider_ms"`
}

// SLACauses lists what a miss can be due to.
func SLACauses() []string {
	return []string{"human", "queue_wait", "hold", "limit", "retries", "provider"}
}

// SLAPolicy is what an org promises. BusinessHours null: always open. Owner null:
// not set by an operator. Only the one in force is for new questions.
type SLAPolicy struct {
	ID            string                   `json:"id"`
	Name          string                   `json:"name"`
	Org           string                   `json:"org"`
	TargetMS      int64                    `json:"target_ms"`
	Objective     float64                  `json:"objective"`
	TimeZone      string                   `json:"time_zone"`
	BusinessHours map[string][]SLAInterval `json:"business_hours"`
	InForce       bool                     `json:"in_force"`
	Owner         *string                  `json:"owner"`
	Reason        *string                  `json:"reason"`
	SetAt         time.Time                `json:"set_at"`
}

// SLAInterval is part of a day by the clock on the wall; a To that is not after
// From lies on the next day.
type SLAInterval struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// SLAPolicySet asks to change the policy of one org. What is null stays as it is.
// AlwaysOpen takes the business hours away.
type SLAPolicySet struct {
	Org           string                   `json:"org"`
	TargetMS      *int64                   `json:"target_ms,omitempty"`
	Objective     *float64                 `json:"objective,omitempty"`
	TimeZone      *string                  `json:"time_zone,omitempty"`
	BusinessHours map[string][]SLAInterval `json:"business_hours,omitempty"`
	AlwaysOpen    bool                     `json:"always_open,omitempty"`
	DryRun        bool                     `json:"dry_run"`
	Reason        string                   `json:"reason,omitempty"`
}

// SLAPolicyResult says what the policy was and is; in a dry run, would be.
type SLAPolicyResult struct {
	DryRun bool      `json:"dry_run"`
	Org    string    `json:"org"`
	Before SLAPolicy `json:"before"`
	Policy SLAPolicy `json:"policy"`
}

// SLASplits lists what figures can be split by.
func SLASplits() []string { return []string{"org", "user", "channel"} }

func weekdays() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// ParseHours reads business hours as operators write them: "mon-fri 09:00-18:00,
// sat 10:00-14:00". Days may be named twice; an interval past midnight is written
// 22:00-02:00. It returns an Invalid Error that says what would be right.
func ParseHours(raw string) (map[string][]SLAInterval, error) {
	hours := map[string][]SLAInterval{}
	for part := range strings.SplitSeq(raw, ",") {
		fields := strings.Fields(part)
		if len(fields) != 2 {
			return nil, errorf(Invalid, "bad_business_hours", "%q is not days and times: write for example mon-fri 09:00-18:00", strings.TrimSpace(part))
		}
		days, err := parseDays(fields[0])
		if err != nil {
			return nil, err
		}
		from, to, found := strings.Cut(fields[1], "-")
		if !found || len(from) != len("09:00") || len(to) != len("09:00") {
			return nil, errorf(Invalid, "bad_business_hours", "%q is not an interval: write for example 09:00-18:00", fields[1])
		}
		for _, day := range days {
			hours[day] = append(hours[day], SLAInterval{from, to})
		}
	}
	return hours, nil
}

// parseDays reads mon, mon-fri, fri-mon.
func parseDays(raw string) (days []string, err error) {
	first, last, isRange := strings.Cut(strings.ToLower(raw), "-")
	if !isRange {
		last = first
	}
	all := weekdays()
	i, j := slices.Index(all, first), slices.Index(all, last)
	if i < 0 || j < 0 {
		return nil, errorf(Invalid, "bad_business_hours", "%q names no days: use mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri", raw)
	}
	for {
		days = append(days, all[i])
		if i == j {
			return days, nil
		}
		i = (i + 1) % len(all)
	}
}

// HoursText writes business hours as ParseHours reads them; days that are alike
// together.
func HoursText(hours map[string][]SLAInterval) string {
	if hours == nil {
		return "always"
	}
	var parts []string
	all := weekdays()
	for i := 0; i < len(all); i++ {
		text := intervalsText(hours[all[i]])
		if text == "" {
			continue
		}
		j := i
		for j+1 < len(all) && intervalsText(hours[all[j+1]]) == text {
			j++
		}
		name := all[i]
		if j > i {
			name += "-" + all[j]
		}
		for interval := range strings.SplitSeq(text, " ") {
			parts = append(parts, name+" "+interval)
		}
		i = j
	}
	if len(parts) == 0 {
		return "never"
	}
	return strings.Join(parts, ", ")
}

func intervalsText(intervals []SLAInterval) string {
	words := make([]string, len(intervals))
	for i, iv := range intervals {
		words[i] = iv.From + "-" + iv.To
	}
	return strings.Join(words, " ")
}

// ShareText writes a share as people say it: "81.3%"; "–" if there is none. It
// never rounds up to what was not reached.
func ShareText(share *float64) string {
	if share == nil {
		return "–"
	}
	tenths := int64(*share*1000 + 1e-9)
	return fmt.Sprintf("%s.%d%%", strconv.FormatInt(tenths/10, 10), tenths%10)
}
