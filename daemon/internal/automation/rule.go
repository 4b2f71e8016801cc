// Package automation is what an org lets inboxd do by itself: its rules and its
// business hours. It decides which rule a message triggers and what a rule may
// say; it refuses effects: storing, sending and assigning are the store's.
package automation

import (
	"encoding/json"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Bounds of what an org can set up.
const (
	MostRules     = 200 // per org
	MostActions   = 5   // per rule
	MostKeywords  = 50  // per rule
	MostUsers     = 50  // of a round robin that names them
	MostTags      = 20  // per conversation
	LongestTag    = 50  // characters
	LongestName   = 100 // characters
	LongestWait   = 24 * time.Hour
	longestPhrase = 100 // characters of a keyword

	// MostSends is how many messages automations send in one conversation in one
	// SendWindow: two robots that answer each other stop there.
	MostSends  = 3
	SendWindow = time.Minute

	// Stale is how old a message may be when it reaches us: an older one, late
	// from the provider, triggers nothing.
	Stale = 24 * time.Hour
)

// Rule says what happens when a customer's message triggers it and its
// conditions hold. Actions happen in their order.
type Rule struct {
	ID         int64      `json:"id"`
	OrgID      int64      `json:"org_id"`
	Name       string     `json:"name"` // unique within the org
	Enabled    bool       `json:"enabled"`
	Trigger    Trigger    `json:"trigger"`
	Conditions Conditions `json:"conditions"`
	Actions    []Action   `json:"actions"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

// TriggerType is what sets a rule off.
type TriggerType string

// The triggers.
const (
	FirstMessage TriggerType = "first_message" // the first message of a conversation
	Keyword      TriggerType = "keyword"       // a message that holds one of Keywords
	NoAnswer     TriggerType = "no_answer"     // no human has answered for Minutes
	OutsideHours TriggerType = "outside_hours" // a message outside business hours
)

// Trigger is what sets a rule off, with what its type needs.
type Trigger struct {
	Type     TriggerType `json:"type"`
	Keywords []string    `json:"keywords,omitempty"` // of Keyword
	Minutes  int         `json:"minutes,omitempty"`  // of NoAnswer
}

// When says which times a rule is for.
type When string

// The times; empty is both.
const (
	WhenOpen   When = "open"
	WhenClosed When = "closed"
)

// Conditions narrow a rule down; what is zero does not.
type Conditions struct {
	Channel  inbox.ChannelKind `json:"channel,omitempty"`
	Hours    When              `json:"hours,omitempty"`
	Assigned *bool             `json:"assigned,omitempty"`
}

// ActionType is one thing a rule does.
type ActionType string

// The actions.
const (
	SendText         ActionType = "send_text"
	SendTemplate     ActionType = "send_template" // WhatsApp only
	AssignUser       ActionType = "assign_user"
	AssignRoundRobin ActionType = "assign_round_robin"
	Tag              ActionType = "tag"
)

// Action is one thing a rule does, with what its type needs.
type Action struct {
	Type     ActionType `json:"type"`
	Text     string     `json:"text,omitempty"`     // of SendText
	Template *Template  `json:"template,omitempty"` // of SendTemplate
	User     string     `json:"user,omitempty"`     // of AssignUser
	Users    []string   `json:"users,omitempty"`    // of AssignRoundRobin; none: every user of the org
	Tag      string     `json:"tag,omitempty"`      // of Tag
}

// Template names an approved WhatsApp template. Components is Meta's array; nil
// if the template has no variables.
type Template struct {
	Name       string          `json:"name"`
	Language   string          `json:"language"`
	Components json.RawMessage `json:"components,omitempty"`
}

// Sends reports whether the action sends a message.
func (a Action) Sends() bool { return a.Type == SendText || a.Type == SendTemplate }

// Assigns reports whether the action gives the conversation to somebody.
func (a Action) Assigns() bool { return a.Type == AssignUser || a.Type == AssignRoundRobin }

// UserNames lists the users the rule names, each once.
func (r Rule) UserNames() []string {
	var names []string
	seen := map[string]bool{}
	for _, a := range r.Actions {
		for _, name := range append([]string{a.User}, a.Users...) {
			if name != "" && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// Write is a change of an org's rules. ID is 0 for a new one.
type Write struct {
	OrgID, ID int64
	Rule      Rule
	Once      inbox.Once
}
