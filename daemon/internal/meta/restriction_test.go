package meta_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta"
)

// Read too much into an event, and an org cannot send what it may; too little,
// and every send of it fails.
func TestRestrictions(t *testing.T) {
	t.Parallel()
	const template = `"message_template_name":"offer","message_template_language":"pt-BR"`
	at := time.Unix(1791190981, 0).UTC()
	one := func(r inbox.Restriction) []inbox.Restriction { return []inbox.Restriction{r} }
	offer := func(s inbox.RestrictionState, reason string, until time.Time) []inbox.Restriction {
		return one(inbox.Restriction{Covers: inbox.CoversTemplate, Name: "offer", Language: "pt_br", State: s, Reason: reason, Until: until})
	}
	cases := map[string]struct {
		field, value string
		want         []inbox.Restriction
	}{
		"Paused":           {"message_template_status_update", `{"event":"PAUSED",` + template + `}`, offer(inbox.RestrictionPaused, "", at.Add(6*time.Hour))},
		"Disabled":         {"message_template_status_update", `{"event":"DISABLED","reason":"ABUSIVE_CONTENT",` + template + `}`, offer(inbox.RestrictionDisabled, "ABUSIVE_CONTENT", time.Time{})},
		"Rejected":         {"message_template_status_update", `{"event":"REJECTED","reason":"NONE",` + template + `}`, offer(inbox.RestrictionDisabled, "", time.Time{})},
		"Approved":         {"message_template_status_update", `{"event":"APPROVED","reason":"NONE",` + template + `}`, offer(inbox.RestrictionLifted, "", time.Time{})},
		"Reinstated":       {"message_template_status_update", `{"event":"REINSTATED",` + template + `}`, offer(inbox.RestrictionLifted, "", time.Time{})},
		"FlaggedStillGoes": {"message_template_status_update", `{"event":"FLAGGED",` + template + `}`, nil},
		"NewEvent":         {"message_template_status_update", `{"event":"SOMETHING",` + template + `}`, nil},
		"Nameless":         {"message_template_status_update", `{"event":"PAUSED"}`, nil},
		"WrongTypes":       {"message_template_status_update", `{"event":{},"message_template_name":[]}`, nil},
		"OtherField":       {"message_template_quality_update", `{"event":"PAUSED",` + template + `}`, nil},
		"Restricted": {
			"account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"RESTRICTED_ADD_PHONE_NUMBER_ACTION","expiration":1791795600},
				{"restriction_type":"RESTRICTED_CUSTOMER_INITIATED_MESSAGING","expiration":"1791795600"}]}`,
			one(inbox.Restriction{
				Covers: inbox.CoversSends, State: inbox.RestrictionPaused, Reason: "RESTRICTED_CUSTOMER_INITIATED_MESSAGING", Until: time.Unix(1791795600, 0).UTC(),
			}),
		},
		"Banned":       {"account_update", `{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"DISABLE"}}`, one(inbox.Restriction{Covers: inbox.CoversSends, State: inbox.RestrictionPaused, Reason: "the account is disabled"})},
		"BanAnnounced": {"account_update", `{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"SCHEDULE_FOR_DISABLE"}}`, nil},
		"Unbanned": {"account_update", `{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"REINSTATE"}}`, []inbox.Restriction{
			{Covers: inbox.CoversSends, State: inbox.RestrictionLifted}, {Covers: inbox.CoversTemplates, State: inbox.RestrictionLifted},
		}},
		"Violation": {"account_update", `{"event":"ACCOUNT_VIOLATION","violation_info":{"violation_type":"SPAM"}}`, nil},
		"NoInfo":    {"account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":"none"}`, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch := meta.Parse(fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"1","time":1791190981,"changes":[{"field":%q,"value":%s}]}]}`, c.field, c.value))
			require.Len(t, batch.Notices, 1, "it is kept in any case")
			require.Empty(t, cmp.Diff(c.want, batch.Notices[0].Restrictions))
		})
	}
}

// What an answer says about others: too wide a scope stops an org's whole
// account because of one message.
func TestWhatRefusalsStop(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]job.Result{
		"whatsapp/err_132015_template_paused.json":           {Scope: job.ScopeTemplate, RetryAfter: time.Hour},
		"whatsapp/err_132016_template_disabled.json":         {Scope: job.ScopeTemplate},
		"whatsapp/err_131042_payment.json":                   {Scope: job.ScopeTemplates, RetryAfter: time.Hour},
		"whatsapp/err_131048_spam_rate_limit.json":           {Scope: job.ScopeTemplates, RetryAfter: 2 * time.Hour},
		"whatsapp/err_131031_account_locked.json":            {Scope: job.ScopeWABA},
		"whatsapp/err_368_policy_block.json":                 {Scope: job.ScopeWABA, RetryAfter: 6 * time.Hour},
		"whatsapp/err_130497_country_restricted.json":        {},
		"whatsapp/err_132069_flow_throttled.json":            {RetryAfter: time.Hour},
		"whatsapp/err_131049_marketing_cap.json":             {},
		"whatsapp/err_131037_display_name_not_approved.json": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, f := range manifest(t, "response") {
				if f.File != name {
					continue
				}
				a := readAnswer(t, f)
				got := outcome(f, a)
				require.Equal(t, want, job.Result{Scope: got.Scope, RetryAfter: got.RetryAfter})
				return
			}
			require.FailNow(t, "no such fixture")
		})
	}
}
