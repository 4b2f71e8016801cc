package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// SLA tells how soon customers of an org are answered.
type SLA interface {
	SLAFigures(ctx context.Context, q sla.Question) ([]sla.Figures, error)
	SLAPolicies(ctx context.Context, orgID int64, history bool) ([]sla.Policy, error)
}

func (a *api) registerSLA() {
	operate(a, huma.Operation{
		OperationID: "get-sla", Method: http.MethodGet, Path: "/v1/sla", Tags: []string{"SLA"},
		Summary: "Read how soon customers are answered",
		Description: "A clock runs from a customer's first unanswered question to the first answer of a human, in the org's business hours. " +
			"`compliance` is met ÷ (met + missed), null without either: no data is not 100 %. A question nobody has answered counts as missed " +
			"from the moment it is due; before, it is `pending` and in no share. Questions belong to the window in which they were asked.",
	}, a.getSLA)
}

type getSLAInput struct {
	Window string `query:"window" enum:"1h,24h,7d" default:"24h" doc:"The last so long."`
	Day    string `query:"day" doc:"One day of the org's time zone instead, YYYY-MM-DD." example:"2026-11-20"`
}

// slaReport is an org's figures on the wire.
type slaReport struct {
	Since     *time.Time   `json:"since" doc:"Null with a day."`
	Until     *time.Time   `json:"until" doc:"Null with a day."`
	Day       *string      `json:"day"`
	TimeZone  string       `json:"time_zone"`
	TargetMS  int64        `json:"target_ms" doc:"An answer must come sooner than this."`
	Objective float64      `json:"objective" doc:"The share of answers that should."`
	Total     SLAFigures   `json:"total"`
	Users     []userSLA    `json:"users" nullable:"false" doc:"Worst first."`
	Channels  []channelSLA `json:"channels" nullable:"false" doc:"Worst first."`
}

// SLAFigures are what a set of questions comes to. It is exported for huma, as
// Paging is.
type SLAFigures struct {
	Compliance *float64 `json:"compliance" doc:"0 to 1; null without a verdict."`
	N          int64    `json:"n" doc:"Verdicts: met and missed."`
	Met        int64    `json:"met"`
	Missed     int64    `json:"missed"`
	Pending    int64    `json:"pending" doc:"Not answered and not due."`
	AtRisk     int64    `json:"at_risk" doc:"Of those, due within 60 seconds."`
	Overdue    int64    `json:"overdue" doc:"Of the missed, not answered yet."`
	P50MS      *int64   `json:"p50_ms"`
	P90MS      *int64   `json:"p90_ms"`
	P95MS      *int64   `json:"p95_ms"`
	WorstMS    *int64   `json:"worst_ms"`
}

type userSLA struct {
	User *string `json:"user" doc:"Who answered, or had the conversation when it was due; null: nobody of yours."`
	Who  string  `json:"who" enum:"user,phone_app,unassigned" doc:"phone_app: answered in the WhatsApp or Instagram app; unassigned: nobody had it."`
	SLAFigures
}

type channelSLA struct {
	ChannelID string `json:"channel_id"`
	Kind      string `json:"kind" enum:"whatsapp,instagram"`
	SLAFigures
}

func (a *api) getSLA(ctx context.Context, in *getSLAInput) (*output[slaReport], error) {
	org := identityOf(ctx).principal.OrgID
	q, err := a.slaQuestion(org, in)
	if err != nil {
		return nil, err
	}
	policies, err := a.SLA.SLAPolicies(ctx, org, false)
	if err != nil {
		return nil, err
	}
	out := slaReport{Since: timeOrNull(q.Span.From), Until: timeOrNull(q.Now), Day: orNull(q.Day), Users: []userSLA{}, Channels: []channelSLA{}}
	if q.Day != "" {
		out.Since, out.Until = nil, nil
	}
	for _, p := range policies {
		out.TimeZone, out.TargetMS, out.Objective = p.Hours.TimeZone, p.Target.Milliseconds(), p.Objective
	}
	q.By = sla.ByUser
	users, err := a.SLA.SLAFigures(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, f := range users {
		out.Users = append(out.Users, userSLA{orNull(f.User), string(f.Who), slaFiguresOf(f)})
	}
	q.By = sla.ByChannel
	channels, err := a.SLA.SLAFigures(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, f := range channels {
		out.Channels = append(out.Channels, channelSLA{idString(f.ChannelID), f.Channel, slaFiguresOf(f)})
	}
	out.Total = slaFiguresOf(sla.Total(channels))
	return answer(out), nil
}

func (a *api) slaQuestion(org int64, in *getSLAInput) (sla.Question, error) {
	q := sla.Question{OrgID: org, Now: a.Now(), Day: in.Day}
	if in.Day != "" {
		if _, err := time.Parse(inbox.DayLayout, in.Day); err != nil {
			return q, inbox.Faultf(inbox.Invalid, "bad_day", "day is not a day: write it as 2026-10-31")
		}
		return q, nil
	}
	window := map[string]time.Duration{"1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour}[in.Window]
	q.Span = sla.Span{From: q.Now.Add(-window), To: q.Now.Add(time.Second)}
	return q, nil
}

func slaFiguresOf(f sla.Figures) SLAFigures {
	out := SLAFigures{N: f.N(), Met: f.Met, Missed: f.Missed, Pending: f.Pending, AtRisk: f.Risky, Overdue: f.Overdue}
	if share, known := f.Compliance(); known {
		out.Compliance = &share
	}
	if len(f.Responses) == 0 {
		return out
	}
	for at, d := range map[**int64]time.Duration{&out.P50MS: f.P50, &out.P90MS: f.P90, &out.P95MS: f.P95, &out.WorstMS: f.Worst} {
		ms := d.Milliseconds()
		*at = &ms
	}
	return out
}
