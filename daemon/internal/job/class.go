package job

// Class is the kind of failure of an attempt: the JSON field error_class and
// the classes of Meta's error table.
type Class string

// The classes. Throttles are waited out and cost no attempt; transient ones
// cost an attempt; ambiguous ones may have had their outside effect; the rest
// are permanent for this job.
const (
	ClassNone                 Class = ""
	ClassOK                   Class = "ok"
	ClassOKHeld               Class = "ok_held"
	ClassThrottleApp          Class = "throttle_app"
	ClassThrottleWABA         Class = "throttle_waba"
	ClassThrottleNumber       Class = "throttle_number"
	ClassThrottlePair         Class = "throttle_pair"
	ClassThrottleUser         Class = "throttle_user"
	ClassThrottleAccount      Class = "throttle_account"
	ClassIntegrityThrottle    Class = "integrity_throttle"
	ClassTransient            Class = "transient"
	ClassNotSent              Class = "not_sent"
	ClassUnknown              Class = "unknown"
	ClassAmbiguous            Class = "ambiguous"
	ClassAuth                 Class = "auth"
	ClassBilling              Class = "billing"
	ClassChannelDead          Class = "channel_dead"
	ClassConfig               Class = "config"
	ClassMedia                Class = "media"
	ClassPermission           Class = "permission"
	ClassPolicyBlocked        Class = "policy_blocked"
	ClassRecipientBlocked     Class = "recipient_blocked"
	ClassRecipientCapped      Class = "recipient_capped"
	ClassRecipientOptedOut    Class = "recipient_opted_out"
	ClassRecipientUnreachable Class = "recipient_unreachable"
	ClassReportFailed         Class = "report_failed"
	ClassRequestInvalid       Class = "request_invalid"
	ClassTemplateInvalid      Class = "template_invalid"
	ClassTemplatePaused       Class = "template_paused"
	ClassTooMuchData          Class = "too_much_data"
	ClassWindowClosed         Class = "window_closed"
	ClassDeadline             Class = "deadline"        // ours: too late to be useful
	ClassPanic                Class = "panic"           // ours: a processor crashed
	ClassGone                 Class = "gone"            // ours: the subject no longer exists
	ClassUnknownOutcome       Class = "unknown_outcome" // ours: an uncertain job given up
	ClassWorkerLost           Class = "worker_lost"     // ours: the worker died while running it
	ClassPoison               Class = "poison"          // ours: it killed too many workers
	ClassCancelled            Class = "cancelled"       // ours: an operator cancelled it before it was sent
)

// Verdict is what the engine does with a failed or finished attempt.
type Verdict int

// The verdicts.
const (
	Succeed  Verdict = iota // -> history(done)
	Retry                   // costs an attempt -> scheduled, or dead after the last
	Throttle                // costs no attempt -> scheduled
	Fail                    // permanent -> dead
	Doubt                   // may have happened -> uncertain (or retried, for types without outside effect)
	Release                 // not begun (drain) -> ready, costs no attempt
)

// Scope is what a throttle cools down, or what else a refusal stops.
type Scope string

// The scopes.
const (
	ScopeNone     Scope = ""
	ScopeApp      Scope = "app"
	ScopeWABA     Scope = "waba"
	ScopeNumber   Scope = "number"
	ScopePair     Scope = "pair"
	ScopeUser     Scope = "user"
	ScopeAccount  Scope = "account"
	ScopeProvider Scope = "provider" // ours: it answers nobody

	ScopeTemplate  Scope = "template"  // of a refusal: the template
	ScopeTemplates Scope = "templates" // of a refusal: all templates
)
