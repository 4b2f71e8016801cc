package automation_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func rule(change func(*automation.Rule)) automation.Rule {
	r := automation.Rule{
		Name: "welcome", Enabled: true, Trigger: automation.Trigger{Type: automation.FirstMessage},
		Actions: []automation.Action{{Type: automation.SendText, Text: "Hello!"}},
	}
	if change != nil {
		change(&r)
	}
	return r
}

// A rule that can never work must be refused when it is written, with the place
// that is wrong.
func TestRuleCheck(t *testing.T) {
	t.Parallel()
	require.NoError(t, rule(nil).Check())
	one := func(a automation.Action) func(*automation.Rule) {
		return func(r *automation.Rule) { r.Actions = []automation.Action{a} }
	}
	trigger := func(tr automation.Trigger) func(*automation.Rule) { return func(r *automation.Rule) { r.Trigger = tr } }
	for want, change := range map[string]func(*automation.Rule){
		"name is empty":                    func(r *automation.Rule) { r.Name = " " },
		"name has 101":                     func(r *automation.Rule) { r.Name = strings.Repeat("é", 101) },
		"name holds":                       func(r *automation.Rule) { r.Name = "a\nb" },
		`no trigger "flood"`:               trigger(automation.Trigger{Type: "flood"}),
		"trigger.keywords has 0":           trigger(automation.Trigger{Type: automation.Keyword}),
		"trigger.keywords has 51":          trigger(automation.Trigger{Type: automation.Keyword, Keywords: make([]string, 51)}),
		"trigger.keywords[1] is empty":     trigger(automation.Trigger{Type: automation.Keyword, Keywords: []string{"a", ""}}),
		"trigger.keywords[0] has no word":  trigger(automation.Trigger{Type: automation.Keyword, Keywords: []string{"¿?"}}),
		"trigger.keywords belongs":         trigger(automation.Trigger{Type: automation.NoAnswer, Minutes: 1, Keywords: []string{"a"}}),
		"trigger.minutes belongs":          trigger(automation.Trigger{Type: automation.FirstMessage, Minutes: 5}),
		"trigger.minutes is 0":             trigger(automation.Trigger{Type: automation.NoAnswer}),
		"trigger.minutes is 1441":          trigger(automation.Trigger{Type: automation.NoAnswer, Minutes: 1441}),
		"conditions.channel ad_account":    func(r *automation.Rule) { r.Conditions.Channel = inbox.AdAccount },
		`conditions.channel "fax"`:         func(r *automation.Rule) { r.Conditions.Channel = "fax" },
		`conditions.hours "noon"`:          func(r *automation.Rule) { r.Conditions.Hours = "noon" },
		"actions has 0":                    func(r *automation.Rule) { r.Actions = nil },
		"actions has 6":                    func(r *automation.Rule) { r.Actions = make([]automation.Action, 6) },
		`actions[0].type "dance"`:          one(automation.Action{Type: "dance"}),
		"actions[0].text: text is empty":   one(automation.Action{Type: automation.SendText}),
		"shorten it, or set conditions":    one(automation.Action{Type: automation.SendText, Text: strings.Repeat("a", 1001)}),
		"WhatsApp takes at most 4096":      one(automation.Action{Type: automation.SendText, Text: strings.Repeat("a", 4097)}),
		"actions[0].user belongs":          one(automation.Action{Type: automation.SendText, Text: "a", User: "dana"}),
		"actions[0].template needs name":   one(automation.Action{Type: automation.SendTemplate}),
		"actions[0].user: user name":       one(automation.Action{Type: automation.AssignUser, User: "Dana!"}),
		`actions[0].users names "a" twice`: one(automation.Action{Type: automation.AssignRoundRobin, Users: []string{"a", "a"}}),
		"actions[0].users has 51":          one(automation.Action{Type: automation.AssignRoundRobin, Users: make([]string, 51)}),
		"actions[0].tag is empty":          one(automation.Action{Type: automation.Tag}),
		"instagram has no templates": func(r *automation.Rule) {
			r.Conditions.Channel = inbox.Instagram
			r.Actions = []automation.Action{template()}
		},
		"actions has 4 messages": func(r *automation.Rule) {
			r.Actions = []automation.Action{r.Actions[0], r.Actions[0], r.Actions[0], template()}
		},
		"assigns the conversation 2 times": func(r *automation.Rule) {
			r.Actions = []automation.Action{{Type: automation.AssignRoundRobin}, {Type: automation.AssignUser, User: "dana"}}
		},
		"actions[0].text: text is 1001 byt": func(r *automation.Rule) {
			r.Conditions.Channel = inbox.Instagram
			r.Actions[0].Text = strings.Repeat("a", 1001)
		},
	} {
		err := rule(change).Check()
		require.ErrorContains(t, err, want)
		require.Equal(t, inbox.Invalid, inbox.KindOf(err), want)
	}
	long := rule(func(r *automation.Rule) {
		r.Conditions.Channel = inbox.WhatsApp
		r.Actions[0].Text = strings.Repeat("a", 4096)
	})
	require.NoError(t, long.Check(), "a rule for one channel has that channel's limit")
}

func template() automation.Action {
	return automation.Action{Type: automation.SendTemplate, Template: &automation.Template{Name: "hi", Language: "en"}}
}

// Which rule a message sets off, and which it does not.
func TestMatches(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	keyword := automation.Trigger{Type: automation.Keyword, Keywords: []string{"price"}}
	event := func(change func(*automation.Event)) automation.Event {
		e := automation.Event{Channel: inbox.WhatsApp, Open: true, Words: automation.WordsOf("the price")}
		if change != nil {
			change(&e)
		}
		return e
	}
	for name, c := range map[string]struct {
		trigger    automation.Trigger
		conditions automation.Conditions
		event      automation.Event
		want       bool
	}{
		"Keyword":          {keyword, automation.Conditions{}, event(nil), true},
		"OtherWord":        {keyword, automation.Conditions{}, event(func(e *automation.Event) { e.Words = automation.WordsOf("hello") }), false},
		"KeywordOnTimer":   {keyword, automation.Conditions{}, event(func(e *automation.Event) { e.Unanswered = 5 }), false},
		"First":            {automation.Trigger{Type: automation.FirstMessage}, automation.Conditions{}, event(func(e *automation.Event) { e.First = true }), true},
		"NotFirst":         {automation.Trigger{Type: automation.FirstMessage}, automation.Conditions{}, event(nil), false},
		"NoAnswer":         {automation.Trigger{Type: automation.NoAnswer, Minutes: 5}, automation.Conditions{}, event(func(e *automation.Event) { e.Unanswered = 5 }), true},
		"OtherTimer":       {automation.Trigger{Type: automation.NoAnswer, Minutes: 6}, automation.Conditions{}, event(func(e *automation.Event) { e.Unanswered = 5 }), false},
		"NoAnswerAtOnce":   {automation.Trigger{Type: automation.NoAnswer, Minutes: 5}, automation.Conditions{}, event(nil), false},
		"Outside":          {automation.Trigger{Type: automation.OutsideHours}, automation.Conditions{}, event(func(e *automation.Event) { e.Open = false }), true},
		"Inside":           {automation.Trigger{Type: automation.OutsideHours}, automation.Conditions{}, event(nil), false},
		"OnlyInstagram":    {keyword, automation.Conditions{Channel: inbox.Instagram}, event(nil), false},
		"OnlyWhatsApp":     {keyword, automation.Conditions{Channel: inbox.WhatsApp}, event(nil), true},
		"OnlyOpen":         {keyword, automation.Conditions{Hours: automation.WhenOpen}, event(func(e *automation.Event) { e.Open = false }), false},
		"OnlyClosed":       {keyword, automation.Conditions{Hours: automation.WhenClosed}, event(func(e *automation.Event) { e.Open = false }), true},
		"OnlyClosedIsOpen": {keyword, automation.Conditions{Hours: automation.WhenClosed}, event(nil), false},
		"OnlyAssigned":     {keyword, automation.Conditions{Assigned: &yes}, event(nil), false},
		"OnlyUnassigned":   {keyword, automation.Conditions{Assigned: &no}, event(nil), true},
		"UnassignedIsNot":  {keyword, automation.Conditions{Assigned: &no}, event(func(e *automation.Event) { e.Assigned = true }), false},
		"UnknownToThisOne": {automation.Trigger{Type: "later"}, automation.Conditions{}, event(nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rule(func(r *automation.Rule) { r.Trigger, r.Conditions = c.trigger, c.conditions })
			require.Equal(t, c.want, r.Matches(c.event))
			r.Enabled = false
			require.False(t, r.Matches(c.event), "a disabled rule does nothing")
		})
	}
}

// No body can make the checks panic, and what they let pass can be matched.
func FuzzRule(f *testing.F) {
	f.Add(`{"name":"a","trigger":{"type":"keyword","keywords":["é"]},"actions":[{"type":"tag","tag":"x"}]}`, "é")
	f.Add(`{"name":"a","trigger":{"type":"no_answer","minutes":5},"actions":[{"type":"assign_round_robin","users":["dana"]}]}`, "")
	f.Add(`{"name":"a","conditions":{"channel":"instagram"},"trigger":{"type":"first_message"},"actions":[{"type":"send_text","text":"a"}]}`, "\xff")
	f.Fuzz(func(t *testing.T, body, text string) {
		var r automation.Rule
		if json.Unmarshal([]byte(body), &r) != nil {
			return
		}
		if err := r.Check(); err != nil {
			require.Equal(t, inbox.Invalid, inbox.KindOf(err))
			return
		}
		r.Enabled = true
		r.Matches(automation.Event{Words: automation.WordsOf(text)})
		stored, err := json.Marshal(r)
		require.NoError(t, err)
		var again automation.Rule
		require.NoError(t, json.Unmarshal(stored, &again))
		require.NoError(t, again.Check(), "what is stored passes again")
	})
}
