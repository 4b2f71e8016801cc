package httpapi

import (
	"encoding/json"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// OrgWriteHeaders documents what a write that needs no agent understands. It is
// exported for huma, as Paging is.
type OrgWriteHeaders struct {
	Key string `header:"Idempotency-Key" doc:"1 to 255 visible ASCII characters. For 24 hours the same key and body get the same answer."`
}

// automationBody is a rule as it is written.
type automationBody struct {
	Name       string          `json:"name" doc:"Unique within the org, 1 to 100 characters." example:"welcome"`
	Enabled    *bool           `json:"enabled,omitempty" doc:"Left out: true."`
	Trigger    ruleTrigger     `json:"trigger"`
	Conditions *ruleConditions `json:"conditions,omitempty" doc:"What must hold besides; left out: nothing."`
	Actions    []ruleAction    `json:"actions" nullable:"false" doc:"1 to 5, in order; at most 3 messages and one assignment."`
}

// savedAutomation is a rule as it is read.
type savedAutomation struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Enabled    bool           `json:"enabled"`
	Trigger    ruleTrigger    `json:"trigger"`
	Conditions ruleConditions `json:"conditions"`
	Actions    []ruleAction   `json:"actions" nullable:"false"`
	CreatedAt  *time.Time     `json:"created_at"`
	UpdatedAt  *time.Time     `json:"updated_at"`
}

type ruleTrigger struct {
	Type     string   `json:"type" enum:"first_message,keyword,no_answer,outside_hours"`
	Keywords []string `json:"keywords,omitempty" doc:"Of keyword: 1 to 50 words or phrases."`
	Minutes  int      `json:"minutes,omitempty" doc:"Of no_answer: 1 to 1440."`
}

type ruleConditions struct {
	Channel  string `json:"channel,omitempty" enum:"whatsapp,instagram" doc:"Only conversations of this channel."`
	Hours    string `json:"hours,omitempty" enum:"open,closed" doc:"Only messages within, or outside, business hours."`
	Assigned *bool  `json:"assigned,omitempty" doc:"Only conversations that somebody, or nobody, is assigned to."`
}

type ruleAction struct {
	Type     string        `json:"type" enum:"send_text,send_template,assign_user,assign_round_robin,tag"`
	Text     string        `json:"text,omitempty" doc:"Of send_text: what the customer will read; short enough for every channel the rule is for."`
	Template *ruleTemplate `json:"template,omitempty" doc:"Of send_template. Skipped on Instagram."`
	User     string        `json:"user,omitempty" doc:"Of assign_user: name of an agent of the org."`
	Users    []string      `json:"users,omitempty" doc:"Of assign_round_robin: whose turn it is, in this order; none: every user of the org."`
	Tag      string        `json:"tag,omitempty" doc:"Of tag: 1 to 50 characters; a conversation has at most 20 tags."`
}

type ruleTemplate struct {
	Name       string     `json:"name" minLength:"1" maxLength:"512" pattern:"^[a-z0-9_]+$" patternDescription:"a-z 0-9 _" doc:"Name of the approved template."`
	Language   string     `json:"language" minLength:"2" maxLength:"16" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"a language code such as en_US"`
	Components components `json:"components,omitempty" required:"false" doc:"Meta's components array with the values of the variables."`
}

func automationExample() any {
	unassigned, enabled := false, true
	return automationBody{
		Name: "prices", Enabled: &enabled,
		Trigger:    ruleTrigger{Type: "keyword", Keywords: []string{"price", "price list", "qué precio"}},
		Conditions: &ruleConditions{Channel: "whatsapp", Hours: "open", Assigned: &unassigned},
		Actions: []ruleAction{
			{Type: "send_text", Text: "Our prices are on example.com/prices. Somebody will be with you in a moment."},
			{Type: "assign_round_robin", Users: []string{"dana", "kofi"}},
			{Type: "tag", Tag: "sales"},
		},
	}
}

func (b automationBody) rule() automation.Rule {
	r := automation.Rule{
		Name: b.Name, Enabled: b.Enabled == nil || *b.Enabled,
		Trigger: automation.Trigger{Type: automation.TriggerType(b.Trigger.Type), Keywords: b.Trigger.Keywords, Minutes: b.Trigger.Minutes},
	}
	if c := b.Conditions; c != nil {
		r.Conditions = automation.Conditions{Channel: inbox.ChannelKind(c.Channel), Hours: automation.When(c.Hours), Assigned: c.Assigned}
	}
	for _, a := range b.Actions {
		action := automation.Action{Type: automation.ActionType(a.Type), Text: a.Text, User: a.User, Users: a.Users, Tag: a.Tag}
		if t := a.Template; t != nil {
			action.Template = &automation.Template{Name: t.Name, Language: t.Language, Components: json.RawMessage(t.Components)}
		}
		r.Actions = append(r.Actions, action)
	}
	return r
}

func automationOf(r automation.Rule) savedAutomation {
	out := savedAutomation{
		ID: idString(r.ID), Name: r.Name, Enabled: r.Enabled,
		Trigger:    ruleTrigger{Type: string(r.Trigger.Type), Keywords: r.Trigger.Keywords, Minutes: r.Trigger.Minutes},
		Conditions: ruleConditions{Channel: string(r.Conditions.Channel), Hours: string(r.Conditions.Hours), Assigned: r.Conditions.Assigned},
		Actions:    []ruleAction{}, CreatedAt: timeOrNull(r.CreatedAt), UpdatedAt: timeOrNull(r.UpdatedAt),
	}
	for _, a := range r.Actions {
		action := ruleAction{Type: string(a.Type), Text: a.Text, User: a.User, Users: a.Users, Tag: a.Tag}
		if t := a.Template; t != nil {
			action.Template = &ruleTemplate{Name: t.Name, Language: t.Language, Components: components(t.Components)}
		}
		out.Actions = append(out.Actions, action)
	}
	return out
}
