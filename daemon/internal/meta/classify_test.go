package meta_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta"
)

// notAnOutcome lists the answers no table can judge: they mean something only
// against what was asked for.
func notAnOutcome(file string) bool {
	switch file {
	case "whatsapp/res_media_resolve_ok.json", // the answer to a GET, not to a send
		"token/res_debug_missing_scope.json", // needs the scopes we want,
		"token/res_debug_wrong_waba.json",    // the WABA,
		"token/res_debug_other_app.json":     // and our app id
		return true
	}
	return false
}

func outcome(f fixture, a answer) job.Result {
	if a.Transport != nil {
		return meta.ClassifyTransport(f.product(), a.Transport.Phase == "response", errors.New("broken"))
	}
	return meta.Classify(f.product(), a.HTTP.Status, a.body(), a.header())
}

// verdicts says which verdicts carry out a fixture's decision.
func verdicts(retry string) []job.Verdict {
	switch retry {
	case "no", "after_new_token", "reconnect", "user_action":
		return []job.Verdict{job.Fail, job.Succeed, job.Doubt}
	case "poll": // the call itself worked; what it says is the caller's to read
		return []job.Verdict{job.Succeed, job.Fail}
	case "yes":
		return []job.Verdict{job.Retry, job.Throttle, job.Doubt}
	case "once, then park", "policy":
		return []job.Verdict{job.Doubt}
	case "once":
		return []job.Verdict{job.Fail, job.Retry}
	case "late":
		return []job.Verdict{job.Retry, job.Throttle}
	case "limited", "split", "split_or_async":
		return []job.Verdict{job.Retry}
	}
	return nil
}

func TestEveryAnswerFixture(t *testing.T) {
	t.Parallel()
	rows := 0
	for _, f := range manifest(t, "response") {
		if notAnOutcome(f.File) {
			continue
		}
		rows++
		t.Run(testName(f.File), func(t *testing.T) {
			t.Parallel()
			a := readAnswer(t, f)
			got := outcome(f, a)
			require.Equal(t, a.Class, string(got.Class))
			require.Equal(t, f.Class, a.Class, "the manifest and the file disagree")
			require.Contains(t, verdicts(a.Decision.Retry), got.Verdict, "decision %q", a.Decision.Retry)
			checkVerdict(t, f, a, got)
		})
	}
	require.Greater(t, rows, 120)
}

// checkVerdict holds what must be true of a verdict whatever the class.
func checkVerdict(t *testing.T, f fixture, a answer, got job.Result) {
	t.Helper()
	if got.Verdict == job.Doubt {
		require.Equal(t, job.ClassAmbiguous, got.Class, "only what proves nothing is a doubt")
	}
	if got.Class == job.ClassAmbiguous {
		require.Equal(t, job.Doubt, got.Verdict)
	}
	if a.Decision.Retry == "late" {
		require.GreaterOrEqual(t, got.RetryAfter, time.Hour)
	}
	if got.Verdict == job.Throttle && a.Decision.Scope != "" {
		scopes := map[string]job.Scope{
			"app": job.ScopeApp, "waba": job.ScopeWABA, "number": job.ScopeNumber, "page": job.ScopeNumber,
			"account": job.ScopeNumber, "pair": job.ScopePair, "token": job.ScopeUser, "ad_account": job.ScopeAccount,
		}
		require.Equal(t, scopes[a.Decision.Scope], got.Scope)
	}
	sent := got.Verdict == job.Succeed && f.product()&(meta.WhatsApp|meta.Instagram) != 0
	require.Equal(t, sent, got.Message != nil)
	require.LessOrEqual(t, len(got.Detail), 500)
}

func TestRetryHints(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		file string
		want time.Duration
	}{
		"RetryAfterHeader":         {"whatsapp/err_130429_http429_retry_after.json", 7 * time.Second},
		"NumberWithoutHeader":      {"whatsapp/err_130429_number_throughput.json", time.Second},
		"MinutesOfWABA":            {"whatsapp/err_80007_waba_rate_limit.json", 7 * time.Minute},
		"MinutesOfInstagram":       {"instagram/err_80002_instagram_buc.json", 11 * time.Minute},
		"MinutesOfAdAccount":       {"marketing/err_80000_ads_insights.json", 12 * time.Minute},
		"ZeroMinutesStillWait":     {"marketing/err_80000_regain_zero.json", time.Minute},
		"NoHeaderStillWait":        {"marketing/err_80000_no_header.json", time.Minute},
		"PairIsTheEnginesBackoff":  {"whatsapp/err_code_as_string.json", 0},
		"TransientIsTheEngines":    {"whatsapp/err_131000_something_went_wrong.json", 0},
		"MaintenanceTakesAMinute":  {"whatsapp/err_131057_maintenance.json", 30 * time.Second},
		"SpamRestrictionIsForLong": {"whatsapp/err_131048_spam_rate_limit.json", 2 * time.Hour},
		"FlowThrottleIsHourly":     {"whatsapp/err_132069_flow_throttled.json", time.Hour},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{File: c.file}
			require.Equal(t, c.want, outcome(f, readAnswer(t, f)).RetryAfter)
		})
	}
}

func TestRetryAfterHeaderForms(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		retryAfter, date string
		want             time.Duration
	}{
		"Seconds":            {"120", "", 2 * time.Minute},
		"DateAgainstTheirs":  {"Mon, 05 Oct 2026 09:01:30 GMT", "Mon, 05 Oct 2026 09:00:00 GMT", 90 * time.Second},
		"DateWithoutTheirs":  {"Mon, 05 Oct 2026 09:01:30 GMT", "", time.Second},
		"DateInThePast":      {"Mon, 05 Oct 2026 08:00:00 GMT", "Mon, 05 Oct 2026 09:00:00 GMT", time.Second},
		"NeverLongerThanDay": {"999999999", "", 24 * time.Hour},
		"Negative":           {"-5", "", time.Second},
		"Garbage":            {"soon", "", time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Retry-After": {c.retryAfter}, "Date": {c.date}}
			got := meta.Classify(meta.WhatsApp, 400, []byte(`{"error":{"code":130429}}`), header)
			require.Equal(t, c.want, got.RetryAfter)
		})
	}
}

// Answers that no fixture shows. The last column is what a wrong guess would
// cost: a Doubt that is a Retry sends twice, a Retry that is a Doubt keeps an
// operator busy.
func TestAnswersWithoutKnownCode(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		product meta.Product
		status  int
		body    string
		class   job.Class
		verdict job.Verdict
	}{
		"TransientFlag":        {meta.WhatsApp, 400, `{"error":{"code":999999,"is_transient":true}}`, job.ClassTransient, job.Retry},
		"UnknownCode429":       {meta.WhatsApp, 429, `{"error":{"code":999999}}`, job.ClassThrottleNumber, job.Throttle},
		"UnknownCode500":       {meta.WhatsApp, 500, `{"error":{"code":999999}}`, job.ClassTransient, job.Retry},
		"UnknownCode400":       {meta.Instagram, 400, `{"error":{"code":999999}}`, job.ClassUnknown, job.Retry},
		"ErrorIn200":           {meta.WhatsApp, 200, `{"error":{"code":131047}}`, job.ClassWindowClosed, job.Fail},
		"ErrorWithoutCode":     {meta.WhatsApp, 400, `{"error":{"message":"?"}}`, job.ClassUnknown, job.Retry},
		"ErrorIsAString":       {meta.WhatsApp, 400, `{"error":"nope"}`, job.ClassUnknown, job.Retry},
		"CodeIsNoNumber":       {meta.WhatsApp, 400, `{"error":{"code":"auth"}}`, job.ClassUnknown, job.Retry},
		"CodeIsHuge":           {meta.WhatsApp, 400, `{"error":{"code":1e999999999}}`, job.ClassUnknown, job.Retry},
		"HTML429":              {meta.WhatsApp, 429, `<html>`, job.ClassThrottleNumber, job.Throttle},
		"HTML429Marketing":     {meta.Marketing, 429, `<html>`, job.ClassThrottleAccount, job.Throttle},
		"HTML429Token":         {meta.Token, 429, `<html>`, job.ClassThrottleApp, job.Throttle},
		"HTML404":              {meta.WhatsApp, 404, `<html>`, job.ClassUnknown, job.Retry},
		"HTML500":              {meta.WhatsApp, 500, `<html>`, job.ClassAmbiguous, job.Doubt},
		"HTML504":              {meta.Instagram, 504, `<html>`, job.ClassAmbiguous, job.Doubt},
		"HTML504OfARead":       {meta.Marketing, 504, `<html>`, job.ClassTransient, job.Retry},
		"Redirect":             {meta.WhatsApp, 302, ``, job.ClassUnknown, job.Retry},
		"EmptyBody200":         {meta.WhatsApp, 200, ``, job.ClassAmbiguous, job.Doubt},
		"Array200":             {meta.WhatsApp, 200, `[]`, job.ClassAmbiguous, job.Doubt},
		"EmptyID":              {meta.WhatsApp, 200, `{"messages":[{"id":""}]}`, job.ClassAmbiguous, job.Doubt},
		"HugeID":               {meta.Instagram, 200, `{"message_id":"` + strings.Repeat("a", 2000) + `"}`, job.ClassAmbiguous, job.Doubt},
		"EmptyBody200OfARead":  {meta.Marketing, 200, ``, job.ClassTransient, job.Retry},
		"EmptyBody200OfToken":  {meta.Token, 200, ``, job.ClassAmbiguous, job.Doubt},
		"MediaLinkWasSlow":     {meta.WhatsApp, 400, `{"error":{"code":131053,"error_data":{"details":"timeout"}}}`, job.ClassMedia, job.Retry},
		"PermissionRange":      {meta.WhatsApp, 403, `{"error":{"code":299}}`, job.ClassPermission, job.Fail},
		"IGWindowFacebook":     {meta.Instagram, 400, `{"error":{"code":10,"error_subcode":"2018278"}}`, job.ClassWindowClosed, job.Fail},
		"IGNegative":           {meta.Instagram, 500, `{"error":{"code":-1}}`, job.ClassTransient, job.Retry},
		"VersionSwitchedOff":   {meta.Marketing, 400, `{"error":{"code":2635}}`, job.ClassConfig, job.Fail},
		"TokenUnknownError":    {meta.Token, 500, `{"error":{"code":1,"message":"unknown"}}`, job.ClassTransient, job.Retry},
		"SecretWrongInstagram": {meta.Token, 400, `{"error":{"code":100,"message":"Error validating client secret."}}`, job.ClassConfig, job.Fail},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := meta.Classify(c.product, c.status, []byte(c.body), http.Header{})
			require.Equal(t, c.class, got.Class)
			require.Equal(t, c.verdict, got.Verdict)
		})
	}
}

// The number Meta answers may differ from the one we sent to (Brazil's ninth
// digit); later webhooks carry Meta's.
func TestSuccessCarriesIDs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status inbox.MessageStatus
		waID   string
	}{
		"whatsapp/res_send_ok.json":               {inbox.Accepted, "12025550101"},
		"whatsapp/res_send_ok_wa_id_differs.json": {inbox.Accepted, "551155550142"},
		"whatsapp/res_send_ok_user_id.json":       {inbox.Accepted, ""},
		"instagram/res_send_ok.json":              {inbox.Sent, ""},
	}
	for file, c := range cases {
		t.Run(testName(file), func(t *testing.T) {
			t.Parallel()
			f := fixture{File: file}
			got := outcome(f, readAnswer(t, f))
			require.NotNil(t, got.Message)
			require.Equal(t, c.status, got.Message.Status)
			require.Equal(t, c.waID, got.Message.WaID)
			require.NotEmpty(t, got.Message.ProviderID)
		})
	}
}

func TestTransportFaultsKeepTheURLOut(t *testing.T) {
	t.Parallel()
	got := meta.ClassifyTransport(meta.WhatsApp, true, context.DeadlineExceeded)
	require.Equal(t, job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous, Detail: "timed out"}, got)
}
