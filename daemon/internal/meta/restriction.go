package meta

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	// longestPause is that of a template: Meta pauses it for 3 hours, then for 6,
	// then disables it. A pause nobody lifts is believed that long; then a send
	// asks again.
	longestPause = 6 * time.Hour
	// maxTemplateName is Meta's own bound.
	maxTemplateName = 512
)

// restrictionsOf returns what an account-level change says about what may be
// sent. Events that only warn (FLAGGED, SCHEDULE_FOR_DISABLE) say nothing, nor
// does what we do not know: the answers to sends tell it in time.
func restrictionsOf(field string, value object, at time.Time) []inbox.Restriction {
	switch field {
	case "message_template_status_update":
		return templateRestriction(value, at)
	case "account_update":
		return accountRestrictions(value)
	}
	return nil
}

func templateRestriction(value object, at time.Time) []inbox.Restriction {
	r := inbox.Restriction{
		Covers: inbox.CoversTemplate, Name: value.text("message_template_name"),
		Language: inbox.TemplateLanguage(value.text("message_template_language")), Reason: templateReason(value),
	}
	switch value.text("event") {
	case "PAUSED":
		r.State = inbox.RestrictionPaused
		if !at.IsZero() {
			r.Until = at.Add(longestPause)
		}
	case "DISABLED", "REJECTED", "DELETED", "PENDING_DELETION":
		r.State = inbox.RestrictionDisabled
	case "APPROVED", "REINSTATED":
		r.State, r.Reason = inbox.RestrictionLifted, ""
	default:
		return nil
	}
	if r.Name == "" || len(r.Name) > maxTemplateName || len(r.Language) > maxTemplateName {
		return nil
	}
	return []inbox.Restriction{r}
}

func templateReason(value object) string {
	if text := value.object("other_info").text("description"); text != "" {
		return redact(text)
	}
	if reason := value.text("reason"); reason != "NONE" {
		return redact(reason)
	}
	return ""
}

// accountRestrictions reads restrictions and bans of a business account. One
// that only concerns adding numbers stops no message.
func accountRestrictions(value object) []inbox.Restriction {
	switch value.text("event") {
	case "ACCOUNT_RESTRICTION":
		return accountRestriction(value)
	case "DISABLED_UPDATE":
		return accountBan(value.object("ban_info").text("waba_ban_state"))
	}
	return nil
}

func accountRestriction(value object) (all []inbox.Restriction) {
	infos, _ := value.list("restriction_info")
	for _, raw := range infos {
		info, _ := decodeObject(raw)
		r := inbox.Restriction{State: inbox.RestrictionPaused, Until: info.at("expiration")}
		switch r.Reason = info.text("restriction_type"); r.Reason {
		case "RESTRICTED_BIZ_INITIATED_MESSAGING":
			r.Covers = inbox.CoversTemplates
		case "RESTRICTED_CUSTOMER_INITIATED_MESSAGING":
			r.Covers = inbox.CoversSends
		default:
			continue
		}
		all = append(all, r)
	}
	return all
}

func accountBan(state string) []inbox.Restriction {
	switch state {
	case "DISABLE":
		return []inbox.Restriction{{Covers: inbox.CoversSends, State: inbox.RestrictionPaused, Reason: "the account is disabled"}}
	case "REINSTATE":
		return []inbox.Restriction{
			{Covers: inbox.CoversSends, State: inbox.RestrictionLifted},
			{Covers: inbox.CoversTemplates, State: inbox.RestrictionLifted},
		}
	}
	return nil
}
