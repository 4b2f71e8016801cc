package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// States of an Alert.
const (
	AlertFiring   = "firing"
	AlertAcked    = "acked" // somebody is at it
	AlertMuted    = "muted" // nobody is told until a time
	AlertResolved = "resolved"
)

// AlertStates lists the states an alert can be in.
func AlertStates() []string { return []string{AlertFiring, AlertAcked, AlertMuted, AlertResolved} }

// Alert is something that is wrong, or was until lately. Rules have names and
// runbooks. An acknowledgement ends with its alert; a mute lasts until its time,
// whether the alert comes and goes meanwhile or not.
type Alert struct {
	ID        string   `json:"id"` // rule/scope; the same in every process
	State     string   `json:"state"`
	Severity  string   `json:"severity"` // critical or warning
	Rule      string   `json:"rule"`
	Scope     string   `json:"scope"`     // what it is about: a queue, an org, a process
	Org       *string  `json:"org"`       // null: of the whole installation
	Text      string   `json:"text"`      // the figure and its bound: 2.95s > 2.00s
	Value     *float64 `json:"value"`     // the figure, in Unit
	Threshold *float64 `json:"threshold"` // its bound, in Unit
	Unit      *string  `json:"unit"`      // ms, jobs, share, versions, tokens
	Cause     *string  `json:"cause"`     // the likely one, from named rules
	Command   *string  `json:"command"`   // what to look at first
	Runbook   *string  `json:"runbook"`

	Since      time.Time  `json:"since"`
	ResolvedAt *time.Time `json:"resolved_at"`
	AckedBy    *string    `json:"acked_by"`
	AckedAt    *time.Time `json:"acked_at"`
	AckReason  *string    `json:"ack_reason"`
	MutedBy    *string    `json:"muted_by"`
	Muted      *time.Time `json:"muted_until"`
	MuteReason *string    `json:"mute_reason"`
}

// AlertAck acknowledges an alert that fires; Undo takes that back.
type AlertAck struct {
	ID     string `json:"id"`
	Undo   bool   `json:"undo,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// AlertMute keeps an alert quiet for a time; Undo ends that.
type AlertMute struct {
	ID      string `json:"id"`
	LastsMS int64  `json:"lasts_ms,omitempty"` // required, unless Undo
	Undo    bool   `json:"undo,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// AlertTest is what came of a test message to the webhook.
type AlertTest struct {
	Host   string `json:"host"` // of the webhook; the rest of its address is a secret
	TookMS int64  `json:"took_ms"`
}

// AlertFilter chooses alerts; empty fields choose all.
type AlertFilter struct {
	State []string
	Org   string
}

// Alerts lists what is wrong, worst first, and then what has been resolved lately,
// newest first.
func (c *Client) Alerts(ctx context.Context, f AlertFilter) (List[Alert], error) {
	query := url.Values{}
	if f.Org != "" {
		query.Set("org", f.Org)
	}
	for _, s := range f.State {
		query.Add("state", s)
	}
	return call[List[Alert]](ctx, c, http.MethodGet, AlertsPath, query, nil)
}

// AckAlert says that somebody is at it: others see who, and it is not announced
// again.
func (c *Client) AckAlert(ctx context.Context, id, reason string) (One[Alert], error) {
	return call[One[Alert]](ctx, c, http.MethodPost, AlertAckPath, nil, AlertAck{ID: id, Reason: reason})
}

// UnackAlert takes an acknowledgement back.
func (c *Client) UnackAlert(ctx context.Context, id, reason string) (One[Alert], error) {
	return call[One[Alert]](ctx, c, http.MethodPost, AlertAckPath, nil, AlertAck{ID: id, Undo: true, Reason: reason})
}

// MuteAlert keeps an alert quiet for a time.
func (c *Client) MuteAlert(ctx context.Context, id string, lasts time.Duration, reason string) (One[Alert], error) {
	return call[One[Alert]](ctx, c, http.MethodPost, AlertMutePath, nil, AlertMute{ID: id, LastsMS: lasts.Milliseconds(), Reason: reason})
}

// UnmuteAlert ends a mute.
func (c *Client) UnmuteAlert(ctx context.Context, id, reason string) (One[Alert], error) {
	return call[One[Alert]](ctx, c, http.MethodPost, AlertMutePath, nil, AlertMute{ID: id, Undo: true, Reason: reason})
}

// TestAlerts has the server send a test message to its webhook.
func (c *Client) TestAlerts(ctx context.Context, reason string) (One[AlertTest], error) {
	return call[One[AlertTest]](ctx, c, http.MethodPost, AlertTestPath, nil, ReasonOnly{Reason: reason})
}
