package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/automation"
)

func (a *api) registerHours() {
	tags := []string{"Automations"}
	operate(a, huma.Operation{
		OperationID: "get-business-hours", Method: http.MethodGet, Path: "/v1/business-hours", Tags: tags,
		Summary: "Read the business hours", Description: "`days` null means that none are set: always open.",
	}, a.getHours)
	operate(a, huma.Operation{
		OperationID: "set-business-hours", Method: http.MethodPut, Path: "/v1/business-hours", Tags: tags,
		Summary: "Set the business hours",
		Description: "Times are those of the clock on the wall in `time_zone`. A day that is left out is closed; a `to` that is not after its `from` " +
			"lies on the next day; `24:00` is the end of the day. `days` null takes the setting away: always open.",
		RequestBody: example(hoursExample()),
	}, a.setHours)
}

// businessHours are an org's business hours on the wire.
type businessHours struct {
	TimeZone string       `json:"time_zone" doc:"IANA name of the zone." example:"America/Mexico_City"`
	Days     businessDays `json:"days" doc:"Open intervals by day, mon to sun; null: always open."`
}

// businessDays are intervals by the name of the day; a day without is closed.
type businessDays map[string][]interval

// Schema describes the days to huma, which cannot make a reference nullable.
func (businessDays) Schema(r huma.Registry) *huma.Schema {
	days := &huma.Schema{Type: huma.TypeObject, Nullable: true, Properties: map[string]*huma.Schema{}, AdditionalProperties: false}
	for _, name := range automation.DayNames() {
		days.Properties[name] = &huma.Schema{Type: huma.TypeArray, Items: r.Schema(reflect.TypeFor[interval](), true, "Interval")}
	}
	return days
}

type interval struct {
	From string `json:"from" doc:"HH:MM, belongs to it." example:"09:00"`
	To   string `json:"to" doc:"HH:MM, does not belong to it." example:"18:00"`
}

func hoursExample() any {
	day := []interval{{"09:00", "18:00"}}
	return businessHours{
		TimeZone: "America/Mexico_City",
		Days:     businessDays{"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": {{"22:00", "02:00"}}},
	}
}

func hoursOf(h automation.Hours) businessHours {
	out := businessHours{TimeZone: h.TimeZone}
	if h.Days == nil {
		return out
	}
	out.Days = businessDays{}
	for name, day := range h.Days {
		for _, iv := range day {
			out.Days[name] = append(out.Days[name], interval(iv))
		}
	}
	return out
}

func (h businessHours) hours() automation.Hours {
	out := automation.Hours{TimeZone: h.TimeZone}
	if h.Days == nil {
		return out
	}
	out.Days = map[string][]automation.Interval{}
	for name, day := range h.Days {
		for _, iv := range day {
			out.Days[name] = append(out.Days[name], automation.Interval(iv))
		}
	}
	return out
}

func (a *api) getHours(ctx context.Context, _ *struct{}) (*output[businessHours], error) {
	found, err := a.Automations.BusinessHours(ctx, identityOf(ctx).principal.OrgID)
	if err != nil {
		return nil, err
	}
	return answer(hoursOf(found)), nil
}

type setHoursInput struct {
	OrgWriteHeaders

	Body businessHours
}

func (a *api) setHours(ctx context.Context, in *setHoursInput) (*output[businessHours], error) {
	who := identityOf(ctx)
	set, err := a.Automations.SetBusinessHours(ctx, automation.HoursWrite{OrgID: who.principal.OrgID, Hours: in.Body.hours(), Once: who.once})
	if err != nil {
		return nil, err
	}
	return answer(hoursOf(set)), nil
}
