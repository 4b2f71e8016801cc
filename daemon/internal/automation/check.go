package automation

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Check returns an Invalid fault that names what is wrong with the rule and what
// would be right, if anything. Whether its users exist is the store's question.
func (r Rule) Check() error {
	if err := checkPhrase("name", r.Name, LongestName); err != nil {
		return err
	}
	if err := r.Trigger.check(); err != nil {
		return err
	}
	if err := r.Conditions.check(); err != nil {
		return err
	}
	return r.checkActions()
}

func bad(format string, args ...any) error {
	return inbox.Faultf(inbox.Invalid, "bad_automation", format, args...)
}

// checkPhrase refuses what is empty, too long, or holds characters that cannot
// be seen.
func checkPhrase(where, s string, longest int) error {
	switch {
	case strings.TrimSpace(s) == "":
		return bad("%s is empty: use 1 to %d characters", where, longest)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return bad("%s holds characters that are not text: use letters, digits, blanks and signs", where)
	case utf8.RuneCountInString(s) > longest:
		return bad("%s has %d characters: use at most %d", where, utf8.RuneCountInString(s), longest)
	}
	return nil
}

func (t Trigger) check() error {
	if t.Type != Keyword && len(t.Keywords) > 0 {
		return bad("trigger.keywords belongs to the trigger keyword: leave it out")
	}
	if t.Type != NoAnswer && t.Minutes != 0 {
		return bad("trigger.minutes belongs to the trigger no_answer: leave it out")
	}
	switch t.Type {
	case FirstMessage, OutsideHours:
		return nil
	case Keyword:
		return t.checkKeywords()
	case NoAnswer:
		if most := int(LongestWait.Minutes()); t.Minutes < 1 || t.Minutes > most {
			return bad("trigger.minutes is %d: use 1 to %d", t.Minutes, most)
		}
		return nil
	}
	return bad("there is no trigger %q: use one of first_message, keyword, no_answer, outside_hours", note(string(t.Type)))
}

func (t Trigger) checkKeywords() error {
	if n := len(t.Keywords); n < 1 || n > MostKeywords {
		return bad("trigger.keywords has %d keywords: use 1 to %d", n, MostKeywords)
	}
	for i, k := range t.Keywords {
		where := fmt.Sprintf("trigger.keywords[%d]", i)
		if err := checkPhrase(where, k, longestPhrase); err != nil {
			return err
		}
		if len(split(k)) == 0 {
			return bad("%s has no word in it: use letters, digits or symbols", where)
		}
	}
	return nil
}

func (c Conditions) check() error {
	switch c.Channel {
	case "", inbox.WhatsApp, inbox.Instagram:
	case inbox.AdAccount:
		return bad("conditions.channel ad_account has no conversations: use whatsapp or instagram")
	default:
		return bad("conditions.channel %q is no channel: use whatsapp or instagram, or leave it out for both", note(string(c.Channel)))
	}
	switch c.Hours {
	case "", WhenOpen, WhenClosed:
		return nil
	}
	return bad("conditions.hours %q is not possible: use open or closed, or leave it out", note(string(c.Hours)))
}

func (r Rule) checkActions() error {
	if n := len(r.Actions); n < 1 || n > MostActions {
		return bad("actions has %d actions: use 1 to %d", n, MostActions)
	}
	sends, assigns := 0, 0
	for i, a := range r.Actions {
		if err := a.check(fmt.Sprintf("actions[%d]", i), r.Conditions.Channel); err != nil {
			return err
		}
		if a.Sends() {
			sends++
		}
		if a.Assigns() {
			assigns++
		}
	}
	switch {
	case sends > MostSends:
		return bad("actions has %d messages: use at most %d, more than that are never sent in a minute", sends, MostSends)
	case assigns > 1:
		return bad("actions assigns the conversation %d times: use one assign_user or assign_round_robin", assigns)
	}
	return nil
}

func (a Action) check(where string, channel inbox.ChannelKind) error {
	if err := a.checkMembers(where); err != nil {
		return err
	}
	switch a.Type {
	case SendText:
		return checkText(where, channel, a.Text)
	case SendTemplate:
		return checkTemplate(where, channel, a.Template)
	case AssignUser:
		return checkUser(where+".user", a.User)
	case AssignRoundRobin:
		return checkUsers(where+".users", a.Users)
	case Tag:
		return checkPhrase(where+".tag", a.Tag, LongestTag)
	}
	return bad("%s.type %q is no action: use one of send_text, send_template, assign_user, assign_round_robin, tag", where, note(string(a.Type)))
}

// checkMembers refuses what another type of action needs: the caller means
// something that would not happen.
func (a Action) checkMembers(where string) error {
	for _, m := range []struct {
		name  string
		given bool
		of    ActionType
	}{
		{"text", a.Text != "", SendText},
		{"template", a.Template != nil, SendTemplate},
		{"user", a.User != "", AssignUser},
		{"users", len(a.Users) > 0, AssignRoundRobin},
		{"tag", a.Tag != "", Tag},
	} {
		if m.given && a.Type != m.of {
			return bad("%s.%s belongs to the action %s: leave it out", where, m.name, m.of)
		}
	}
	return nil
}

// checkText holds the text to the limits of every channel the rule is for.
func checkText(where string, channel inbox.ChannelKind, text string) error {
	kinds := []inbox.ChannelKind{channel}
	if channel == "" {
		kinds = []inbox.ChannelKind{inbox.WhatsApp, inbox.Instagram}
	}
	for _, kind := range kinds {
		err := inbox.CheckText(kind, text)
		if err == nil {
			continue
		}
		if kind == inbox.Instagram && channel == "" {
			return bad("%s.text: %s; shorten it, or set conditions.channel to whatsapp", where, err)
		}
		return bad("%s.text: %s", where, err)
	}
	return nil
}

func checkTemplate(where string, channel inbox.ChannelKind, t *Template) error {
	switch {
	case channel == inbox.Instagram:
		return bad("%s: instagram has no templates; use send_text, or set conditions.channel to whatsapp", where)
	case t == nil || t.Name == "" || t.Language == "":
		return bad("%s.template needs name and language", where)
	}
	return nil
}

func checkUsers(where string, users []string) error {
	if len(users) > MostUsers {
		return bad("%s has %d names: use at most %d, or none for every user of the org", where, len(users), MostUsers)
	}
	seen := map[string]bool{}
	for i, name := range users {
		if err := checkUser(fmt.Sprintf("%s[%d]", where, i), name); err != nil {
			return err
		}
		if seen[name] {
			return bad("%s names %q twice", where, name)
		}
		seen[name] = true
	}
	return nil
}

func checkUser(where, name string) error {
	if err := inbox.CheckName("user", name); err != nil {
		return bad("%s: %s", where, err)
	}
	return nil
}

// note keeps what a caller wrote short enough for a sentence.
func note(s string) string {
	const longest = 40
	s = inbox.Clean(s)
	if n := utf8.RuneCountInString(s); n > longest {
		return string([]rune(s)[:longest]) + "…"
	}
	return s
}
