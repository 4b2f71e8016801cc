package metasim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

func addRule(t *testing.T, sim *metasim.Sim, r metasim.Rule) metasim.Rule {
	t.Helper()
	added, err := sim.AddRule(r)
	require.NoError(t, err)
	return added
}

const busy = "whatsapp/err_131016_service_unavailable"

// Every recorded answer must come over the wire as it was recorded: status,
// headers and bytes.
func TestEveryFixtureCanBeInjected(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	names := sim.Fixtures()
	require.Greater(t, len(names), 85)
	for _, name := range names {
		if strings.Contains(name, "/res_send_ok") {
			continue // TestRecordedSuccess
		}
		var file struct {
			HTTP struct {
				Status   int               `json:"status"`
				Headers  map[string]string `json:"headers"`
				Body     json.RawMessage   `json:"body"`
				BodyText string            `json:"body_text"`
			} `json:"http"`
		}
		require.NoError(t, json.Unmarshal([]byte(readFixture(t, name)), &file))
		inject := metasim.Rule{Effect: metasim.Answer, Fixture: name}
		c := waText("1.1")
		if strings.HasPrefix(name, "marketing/") {
			inject.Type, c = "report", call{path: "/v26.0/act_" + adAccount + "/insights", token: adToken, body: "{}"}
		}
		rule := addRule(t, sim, inject)
		if strings.HasPrefix(name, "instagram/") {
			c = igText("1.1")
		}
		got := do(t, sim, c)
		require.NoError(t, got.err, name)
		require.Equal(t, file.HTTP.Status, got.status, name)
		if file.HTTP.Body != nil {
			require.JSONEq(t, string(file.HTTP.Body), got.body, name)
		} else {
			require.Equal(t, file.HTTP.BodyText, got.body, name)
		}
		for header, value := range file.HTTP.Headers {
			require.Equal(t, value, got.header.Get(header), "%s: %s", name, header)
		}
		require.True(t, sim.RemoveRule(rule.ID))
	}
	require.Zero(t, sim.Stats().Sends.Accepted)
}

// The usage header names the account that was called, not the recorded one:
// the client cools down by it.
func TestUsageHeaderNamesTheAccount(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	require.NoError(t, sim.AddAccount(metasim.Account{Kind: metasim.WhatsApp, ID: "55", BusinessID: "77", Token: "t"}))
	addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/err_80007_waba_rate_limit"})
	c := waText("1.1")
	c.path, c.token = "/v26.0/55/messages", "t"
	require.Contains(t, do(t, sim, c).header.Get("X-Business-Use-Case-Usage"), `{"77":[{"type":"whatsapp","call_count":100`)
}

// A recorded success must carry the send's own ids, or two messages would
// share a wamid.
func TestRecordedSuccess(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/res_send_ok_template_held", Template: "promo"})
	addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: "instagram/res_send_ok", Kind: metasim.Instagram})
	for i, c := range []call{waTemplate("1.1", "promo"), waTemplate("2.1", "promo"), igText("3.1")} {
		got := do(t, sim, c)
		require.Equal(t, 200, got.status)
		require.Contains(t, got.body, sim.Sends(0)[i].ProviderID)
		require.Equal(t, i < 2, strings.Contains(got.body, "held_for_quality_assessment"))
	}
	require.NotEqual(t, sim.Sends(0)[0].ProviderID, sim.Sends(1)[0].ProviderID)
	require.Equal(t, 3, sim.Stats().Sends.Accepted)
}

// pattern sends n texts and tells which of them a rule hit.
func pattern(t *testing.T, sim *metasim.Sim, n int) string {
	t.Helper()
	var out strings.Builder
	for range n {
		if do(t, sim, waText("1.1")).status == 200 {
			out.WriteByte('.')
		} else {
			out.WriteByte('x')
		}
	}
	return out.String()
}

func TestWhenARuleActs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule metasim.Rule
		want string
	}{
		"always":     {metasim.Rule{}, "xxxxxx"},
		"next two":   {metasim.Rule{Next: 2}, "xx...."},
		"each third": {metasim.Rule{Every: 3}, "..x..x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := start(t, metasim.Options{})
			tt.rule.Effect, tt.rule.Fixture = metasim.Answer, busy
			addRule(t, sim, tt.rule)
			require.Equal(t, tt.want, pattern(t, sim, 6))
			require.Equal(t, strings.Count(tt.want, "x"), sim.Rules()[0].Used)
		})
	}
}

// A share is drawn from the seed: the same seed gives the same run.
func TestShareIsRepeatable(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		sim := start(t, metasim.Options{Seed: seed})
		addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: busy, Share: 0.5})
		require.Equal(t, seed, sim.Seed())
		return pattern(t, sim, 24)
	}
	first := run(3)
	require.Contains(t, first, "x")
	require.Contains(t, first, ".")
	require.Equal(t, first, run(3))
	require.NotEqual(t, first, run(4))
}

func TestWhatARuleMatches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule      metasim.Rule
		hit, miss call
	}{
		"kind":      {metasim.Rule{Kind: metasim.WhatsApp}, waText("1.1"), igText("1.1")},
		"account":   {metasim.Rule{Account: instagram}, igText("1.1"), waText("1.1")},
		"type":      {metasim.Rule{Type: "template"}, waTemplate("1.1", "a"), waText("1.1")},
		"template":  {metasim.Rule{Template: "a"}, waTemplate("1.1", "a"), waTemplate("1.1", "b")},
		"recipient": {metasim.Rule{RecipientSuffix: "99"}, waText("1.1").replace(phone, "+15550199"), waText("1.1")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := start(t, metasim.Options{})
			tt.rule.Effect, tt.rule.Fixture = metasim.Answer, busy
			addRule(t, sim, tt.rule)
			require.Equal(t, http.StatusInternalServerError, do(t, sim, tt.hit).status)
			require.Equal(t, http.StatusOK, do(t, sim, tt.miss).status)
		})
	}
}

// The first rule that is due wins; authentication wins over all of them.
func TestFirstRuleWins(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/err_131026_undeliverable", Next: 1})
	addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: busy})
	require.Equal(t, "131026", errorCode(t, do(t, sim, waText("1.1")).body))
	require.Equal(t, "131016", errorCode(t, do(t, sim, waText("1.2")).body))
	stale := waText("1.3")
	stale.token = "stale"
	require.Equal(t, "190", errorCode(t, do(t, sim, stale).body))
	require.Equal(t, 1, sim.Rules()[1].Used)
	require.False(t, sim.RemoveRule(99))
	require.True(t, sim.RemoveRule(0))
	require.Empty(t, sim.Rules())
}

// The caller must see a broken connection while the ledger knows the truth:
// without this the uncertain state cannot be tested.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule metasim.Rule
		want metasim.Decision
	}{
		"drop_answer":     {metasim.Rule{Effect: metasim.DropAnswer}, metasim.AcceptedUnanswered},
		"cut_body":        {metasim.Rule{Effect: metasim.CutBody}, metasim.AcceptedUnanswered},
		"close_early":     {metasim.Rule{Effect: metasim.CloseEarly}, metasim.Unread},
		"hang":            {metasim.Rule{Effect: metasim.Hang}, metasim.Refused},
		"hang, accepted":  {metasim.Rule{Effect: metasim.Hang, Accept: true}, metasim.AcceptedUnanswered},
		"delay, gave up":  {metasim.Rule{Effect: metasim.Delay, DelayMS: 60_000}, metasim.AcceptedUnanswered},
		"answer, gave up": {metasim.Rule{Effect: metasim.Answer, Fixture: busy, DelayMS: 60_000}, metasim.Refused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, hook := startWith(t, metasim.Settings{})
			rule := addRule(t, sim, tt.rule)
			got := doWithin(t, sim, waText("1.1"), time.Second) // long enough to arrive on a busy machine
			require.Error(t, got.err)
			require.Eventually(t, func() bool { return sim.Sends(0)[0].Decision == tt.want }, 5*time.Second, time.Millisecond)
			drain(t, sim)
			accepted := tt.want == metasim.AcceptedUnanswered
			require.Equal(t, accepted, sim.Sends(0)[0].IsAccepted())
			require.Equal(t, accepted, sim.Accepted("1") == 1)
			require.Equal(t, rule.ID, sim.Sends(0)[0].Rule)
			require.Equal(t, accepted, strings.Contains(strings.Join(hook.got(), ""), `"biz_opaque_callback_data":"1.1"`))
		})
	}
}

// A gateway's error page may hide an acceptance.
func TestAnswerAfterAcceptance(t *testing.T) {
	t.Parallel()
	sim, hook := startWith(t, metasim.Settings{})
	addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/res_502_html", Accept: true, Next: 1})
	addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/res_200_without_messages", Accept: true, Silent: true})
	require.Equal(t, http.StatusBadGateway, do(t, sim, waText("1.1")).status)
	require.Equal(t, http.StatusOK, do(t, sim, waText("2.1")).status)
	drain(t, sim)
	for i := range 2 {
		require.Equal(t, metasim.AcceptedUnanswered, sim.Sends(0)[i].Decision)
	}
	said := strings.Join(hook.got(), "")
	require.Contains(t, said, `"biz_opaque_callback_data":"1.1"`)
	require.NotContains(t, said, `"biz_opaque_callback_data":"2.1"`)
}

func TestDelay(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	addRule(t, sim, metasim.Rule{Effect: metasim.Delay, DelayMS: 50})
	started := time.Now()
	require.Equal(t, http.StatusOK, do(t, sim, waText("1.1")).status)
	require.GreaterOrEqual(t, time.Since(started), 50*time.Millisecond)
}

// An accepted message can fail later; no other status comes then.
func TestFailLater(t *testing.T) {
	t.Parallel()
	sim, hook := startWith(t, metasim.Settings{ReadShare: 1})
	addRule(t, sim, metasim.Rule{Effect: metasim.FailLater, Fixture: "whatsapp/err_131047_reengagement"})
	require.Equal(t, http.StatusOK, do(t, sim, waText("1.1")).status)
	require.Equal(t, http.StatusOK, do(t, sim, igText("2.1")).status)
	drain(t, sim)
	said := strings.Join(hook.got(), "")
	require.Contains(t, said, `"status":"failed"`)
	require.Contains(t, said, `"code":131047`)
	require.Contains(t, said, `"biz_opaque_callback_data":"1.1"`)
	require.NotContains(t, said, `"status":"sent"`)
	require.Contains(t, said, `"is_echo":true`)
}

// A mistyped rule must not silently do nothing.
func TestRuleFaults(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	for name, r := range map[string]metasim.Rule{
		"effect":      {},
		"fixture":     {Effect: metasim.Answer, Fixture: "whatsapp/err_1"},
		"takes no":    {Effect: metasim.Hang, Fixture: busy},
		"kind":        {Effect: metasim.Hang, Kind: "fax"},
		"type":        {Effect: metasim.Hang, Type: "fax"},
		"only one of": {Effect: metasim.Hang, Next: 1, Every: 2},
		"share":       {Effect: metasim.Hang, Share: 1.5},
		"negative":    {Effect: metasim.Hang, Next: -1},
		"delay_ms":    {Effect: metasim.Delay},
		"close_early": {Effect: metasim.CloseEarly, Template: "a"},
		"error code":  {Effect: metasim.FailLater, Fixture: "whatsapp/res_503_empty"},
		"for what":    {Effect: metasim.FailLater, Fixture: busy, Kind: metasim.Instagram},
	} {
		_, err := sim.AddRule(r)
		require.ErrorContains(t, err, name)
	}
	require.Empty(t, sim.Rules())
}
