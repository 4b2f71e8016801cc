package inbox

import (
	"encoding/json"
	"strings"
	"time"
)

// Covers is what a restriction stops.
type Covers string

// From narrow to wide.
const (
	CoversTemplate  Covers = "template"  // one template in one language
	CoversTemplates Covers = "templates" // all templates: what the business begins
	CoversSends     Covers = "sends"     // everything
)

// RestrictionState is what the provider says of what a restriction covers.
type RestrictionState string

// The states: paused work waits, disabled work fails, lifted work goes on.
const (
	RestrictionPaused   RestrictionState = "paused"
	RestrictionDisabled RestrictionState = "disabled"
	RestrictionLifted   RestrictionState = "lifted"
)

// Restriction is what the provider itself does not let out of a channel, or
// does again. It belongs to the provider: what operators pause they resume
// themselves. The zero Restriction restricts nothing.
type Restriction struct {
	Covers   Covers
	Name     string // of the template
	Language string // as TemplateLanguage writes it
	State    RestrictionState
	Reason   string
	Until    time.Time // ends by itself; zero: when it is lifted
}

// TemplateLanguage returns the one spelling of a template's language: webhooks
// may say en-US where sends say en_US.
func TemplateLanguage(code string) string {
	return strings.ReplaceAll(strings.ToLower(code), "-", "_")
}

// Restricts reports whether anything is stopped.
func (r Restriction) Restricts() bool {
	return r.Covers != "" && r.State != RestrictionLifted
}

// Says is the restriction in words for agents and operators.
func (r Restriction) Says() string {
	var s string
	switch r.Covers {
	case CoversTemplate:
		s = "Meta has " + string(r.State) + " the template " + r.Name + " (" + r.Language + ")"
	case CoversTemplates:
		s = "Meta lets no templates out of this number"
	case CoversSends:
		s = "Meta has restricted this account"
	}
	if r.Reason != "" {
		s += ": " + r.Reason
	}
	if !r.Until.IsZero() {
		s += "; until " + r.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	return s
}

// TemplateOf returns the name and language in the payload of a template
// message; empty if it is none.
func TemplateOf(payload []byte) (name, language string) {
	var t struct {
		Name     string `json:"name"`
		Language string `json:"language"`
	}
	if json.Unmarshal(payload, &t) != nil {
		return "", ""
	}
	return t.Name, TemplateLanguage(t.Language)
}
