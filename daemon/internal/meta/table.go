package meta

import (
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// rule is one row of the error table: what an error code means. The first
// matching row wins, so rows with a subcode or a text stand above the row of
// the bare code.
type rule struct {
	products Product       // one or several
	code     int           // error.code
	upto     int           // last code of a range; 0: code alone
	subcode  int           // error.error_subcode; 0: any
	text     string        // lower-case part of message or details; only where no code tells the cases apart
	class    job.Class     // what the error is
	verdict  job.Verdict   // 0: as the class says
	scope    job.Scope     // of a throttle; empty: as the class says. Of a refusal: what else is refused; empty: nothing
	wait     time.Duration // shortest wait before the next attempt; 0: the engine's back-off. Of a refusal: when to ask again; 0: when it is lifted
}

const everywhere = WhatsApp | Instagram | Marketing | Token

// table is the one place that says what Meta's error codes mean. Decide by code
// and subcode; HTTP statuses and texts vary (Meta: WhatsApp error codes, Graph
// API error handling). Special rows stand before general ones.
func table() []rule {
	return slices.Concat(tokenRules(), whatsAppLimitRules(), whatsAppRefusalRules(), instagramRules(), marketingRules(), graphRules())
}

// tokenRules tell what is wrong with a token or with our own set-up.
func tokenRules() []rule {
	return []rule{
		// Our own set-up, token endpoints. The texts are the only difference to
		// "unknown error" and "bad parameter" (Meta: securing requests; seen in
		// public issues). One alert, channels stay as they are.
		{products: Token, code: 1, text: "client secret", class: job.ClassConfig},
		{products: Token, code: 100, text: "client secret", class: job.ClassConfig},
		{products: everywhere, code: 100, text: "appsecret_proof", class: job.ClassConfig},
		{products: everywhere, code: 101, class: job.ClassConfig, verdict: job.Retry},

		// Tokens (Meta: error handling; debug_token). None is cured by a retry.
		{products: everywhere, code: 190, class: job.ClassAuth},
		{products: everywhere, code: 102, class: job.ClassAuth},
		{products: everywhere, code: 104, class: job.ClassAuth},
		{products: everywhere, code: 0, class: job.ClassAuth},
	}
}

// whatsAppLimitRules tell when to try again, or that this recipient is the matter.
func whatsAppLimitRules() []rule {
	return []rule{
		// WhatsApp throttles (Meta: Cloud API overview, throughput, error codes).
		{products: WhatsApp, code: 80007, class: job.ClassThrottleWABA, wait: 30 * time.Second},
		{products: WhatsApp, code: 80008, class: job.ClassThrottleWABA, wait: 30 * time.Second},
		{products: WhatsApp, code: 130429, class: job.ClassThrottleNumber, wait: time.Second},
		{products: WhatsApp, code: 131056, class: job.ClassThrottlePair}, // 4^n s: job.Backoff
		{products: WhatsApp, code: 133016, class: job.ClassThrottleNumber, wait: time.Hour},
		{products: WhatsApp, code: 613, class: job.ClassThrottleApp, scope: job.ScopeNumber, wait: 5 * time.Second},
		// Quality restrictions last hours. They stop the number's templates and
		// cool nothing down: replies on the same number may go on.
		{products: WhatsApp, code: 131048, class: job.ClassIntegrityThrottle, scope: job.ScopeTemplates, wait: 2 * time.Hour},
		{products: WhatsApp, code: 131064, class: job.ClassIntegrityThrottle, scope: job.ScopeTemplates, wait: 2 * time.Hour},

		// WhatsApp, temporary.
		{products: WhatsApp, code: 131000, class: job.ClassTransient},
		{products: WhatsApp, code: 131016, class: job.ClassTransient},
		{products: WhatsApp, code: 131057, class: job.ClassTransient, wait: 30 * time.Second},
		{products: WhatsApp, code: 133004, class: job.ClassTransient, wait: 10 * time.Second},

		// WhatsApp, this recipient.
		{products: WhatsApp, code: 131047, class: job.ClassWindowClosed},
		{products: WhatsApp, code: 131026, class: job.ClassRecipientUnreachable},
		{products: WhatsApp, code: 137000, class: job.ClassRecipientUnreachable},
		{products: WhatsApp, code: 131049, class: job.ClassRecipientCapped},
		{products: WhatsApp, code: 131050, class: job.ClassRecipientOptedOut},
		{products: WhatsApp, code: 130472, class: job.ClassRecipientBlocked},
	}
}

// whatsAppRefusalRules tell what is wrong with a request, a template or an account.
func whatsAppRefusalRules() []rule {
	return []rule{
		// WhatsApp, this request. A wrong mime type stays wrong; any other media
		// error is often a slow link of ours.
		{products: WhatsApp, code: 131053, text: "mime type", class: job.ClassMedia},
		{products: WhatsApp, code: 131053, class: job.ClassMedia, verdict: job.Retry},
		{products: WhatsApp, code: 131052, class: job.ClassMedia},
		{products: WhatsApp, code: 131008, upto: 131009, class: job.ClassRequestInvalid},
		{products: WhatsApp, code: 131021, class: job.ClassRequestInvalid},
		{products: WhatsApp, code: 131030, class: job.ClassRequestInvalid},
		{products: WhatsApp, code: 131051, class: job.ClassRequestInvalid},
		{products: WhatsApp, code: 131062, class: job.ClassRequestInvalid},
		{products: WhatsApp, code: 135000, class: job.ClassRequestInvalid},

		// WhatsApp templates and flows.
		{products: WhatsApp, code: 132000, upto: 132001, class: job.ClassTemplateInvalid},
		{products: WhatsApp, code: 132005, class: job.ClassTemplateInvalid},
		{products: WhatsApp, code: 132007, upto: 132008, class: job.ClassTemplateInvalid},
		{products: WhatsApp, code: 132012, class: job.ClassTemplateInvalid},
		{products: WhatsApp, code: 132016, class: job.ClassTemplateInvalid, scope: job.ScopeTemplate},
		{products: WhatsApp, code: 132068, class: job.ClassTemplateInvalid},
		{products: WhatsApp, code: 131063, class: job.ClassTemplateInvalid},
		{products: WhatsApp, code: 132015, class: job.ClassTemplatePaused, scope: job.ScopeTemplate, wait: time.Hour},
		{products: WhatsApp, code: 132069, class: job.ClassTemplatePaused, verdict: job.Retry, wait: time.Hour},

		// WhatsApp, the account or the number.
		{products: WhatsApp, code: 131005, class: job.ClassPermission},
		// 131031 is a lock of the account, 130497 a matter of the recipient's
		// country; a missing payment stops what the business begins.
		{products: WhatsApp, code: 131031, class: job.ClassPolicyBlocked, scope: job.ScopeWABA},
		{products: WhatsApp, code: 130497, class: job.ClassPolicyBlocked},
		{products: WhatsApp, code: 131042, class: job.ClassBilling, scope: job.ScopeTemplates, wait: time.Hour},
		{products: WhatsApp, code: 131044, class: job.ClassBilling},
		{products: WhatsApp, code: 33, class: job.ClassChannelDead},
		{products: WhatsApp, code: 131037, class: job.ClassChannelDead},
		{products: WhatsApp, code: 131045, class: job.ClassChannelDead},
		{products: WhatsApp, code: 133010, class: job.ClassChannelDead},
	}
}

// instagramRules are those of the Messenger Platform for Instagram.
func instagramRules() []rule {
	return []rule{
		// Instagram (Meta: Messenger Platform error codes; 2534022 seen live).
		// Code 10 is a closed window or a missing permission: the subcode tells.
		{products: Instagram, code: 10, subcode: 2534022, class: job.ClassWindowClosed},
		{products: Instagram, code: 10, subcode: 2018278, class: job.ClassWindowClosed},
		{products: Instagram, code: 10, subcode: 2534044, class: job.ClassWindowClosed},
		{products: Instagram, code: 100, subcode: 2534014, class: job.ClassRecipientUnreachable},
		{products: Instagram, code: 100, subcode: 2018001, class: job.ClassRecipientUnreachable},
		{products: Instagram, code: 551, class: job.ClassRecipientUnreachable},
		{products: Instagram, code: 4, subcode: 2018022, class: job.ClassThrottleNumber, wait: 30 * time.Second},
		{products: Instagram, code: 32, class: job.ClassThrottleNumber, wait: 30 * time.Second},
		{products: Instagram, code: 613, class: job.ClassThrottleNumber, wait: 5 * time.Second},
		{products: Instagram, code: 80002, class: job.ClassThrottleNumber, wait: 30 * time.Second},
		{products: Instagram, code: 80006, class: job.ClassThrottleNumber, wait: 30 * time.Second},
		{products: Instagram, code: 1200, class: job.ClassTransient},
		{products: Instagram, code: -2, upto: -1, class: job.ClassTransient},
		{products: Instagram, code: 36000, class: job.ClassMedia},
	}
}

// marketingRules are those of insights.
func marketingRules() []rule {
	return []rule{
		// Marketing (Meta: insights error codes, rate limiting). Too much data:
		// the next attempt must ask for less.
		{products: Marketing, code: 100, subcode: 1487534, class: job.ClassTooMuchData},
		{products: Marketing, code: 100, subcode: 1504018, class: job.ClassTooMuchData},
		{products: Marketing, code: 2, subcode: 1504038, class: job.ClassTooMuchData},
		{products: Marketing, code: 1, text: "reduce the amount of data", class: job.ClassTooMuchData},
		{products: Marketing, code: 1, subcode: 99, class: job.ClassRequestInvalid},
		{products: Marketing, code: 17, class: job.ClassThrottleUser, wait: time.Minute},
		{products: Marketing, code: 613, class: job.ClassThrottleAccount, wait: time.Minute},
		{products: Marketing, code: 80000, class: job.ClassThrottleAccount, wait: time.Minute},
		{products: Marketing, code: 80003, upto: 80004, class: job.ClassThrottleAccount, wait: time.Minute},
		{products: Marketing, code: 80008, upto: 80009, class: job.ClassThrottleAccount, wait: time.Minute},
		{products: Marketing, code: 80014, class: job.ClassThrottleAccount, wait: time.Minute},
		{products: Marketing, code: 4, class: job.ClassThrottleApp, wait: time.Minute},
		{products: Marketing, code: 3018, class: job.ClassRequestInvalid},
		{products: Marketing, code: 2635, class: job.ClassConfig}, // API version switched off
	}
}

// graphRules hold for every product that says nothing else.
func graphRules() []rule {
	return []rule{
		// The Graph API in general (Meta: error handling, rate limiting).
		{products: everywhere, code: 4, class: job.ClassThrottleApp, wait: 30 * time.Second},
		{products: everywhere, code: 17, class: job.ClassThrottleUser, wait: 30 * time.Second},
		{products: everywhere, code: 32, class: job.ClassThrottleApp, wait: 30 * time.Second},
		{products: everywhere, code: 613, class: job.ClassThrottleApp, wait: 5 * time.Second},
		{products: everywhere, code: 1, upto: 2, class: job.ClassTransient},
		{products: everywhere, code: 3, class: job.ClassPermission},
		{products: everywhere, code: 10, class: job.ClassPermission},
		{products: everywhere, code: 200, upto: 299, class: job.ClassPermission},
		{products: everywhere, code: 368, class: job.ClassPolicyBlocked, scope: job.ScopeWABA, wait: 6 * time.Hour},
		{products: everywhere, code: 100, subcode: 33, class: job.ClassChannelDead},
		{products: everywhere, code: 100, class: job.ClassRequestInvalid},
	}
}

// verdictOf returns what follows from a class where the rule says nothing else.
func verdictOf(class job.Class) job.Verdict {
	switch class {
	case job.ClassOK, job.ClassOKHeld:
		return job.Succeed
	case job.ClassThrottleApp, job.ClassThrottleWABA, job.ClassThrottleNumber,
		job.ClassThrottlePair, job.ClassThrottleUser, job.ClassThrottleAccount:
		return job.Throttle
	case job.ClassTransient, job.ClassNotSent, job.ClassUnknown, job.ClassTooMuchData, job.ClassIntegrityThrottle:
		return job.Retry
	case job.ClassAmbiguous:
		return job.Doubt
	default:
		return job.Fail
	}
}

// scopeOf returns what a throttle of this class cools down.
func scopeOf(class job.Class) job.Scope {
	switch class {
	case job.ClassThrottleApp:
		return job.ScopeApp
	case job.ClassThrottleWABA:
		return job.ScopeWABA
	case job.ClassThrottleNumber:
		return job.ScopeNumber
	case job.ClassThrottlePair:
		return job.ScopePair
	case job.ClassThrottleUser:
		return job.ScopeUser
	case job.ClassThrottleAccount:
		return job.ScopeAccount
	default:
		return job.ScopeNone
	}
}
