package metasim_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

var variable = regexp.MustCompile(`(wamid\.|aWdf)[A-Za-z0-9+/=\\]+|1791\d{6,9}`)

// mask replaces ids and times, the only parts that differ between runs.
func mask(body string) string {
	return variable.ReplaceAllStringFunc(body, func(found string) string {
		if strings.HasPrefix(found, "1791") {
			return strings.Repeat("9", len(found))
		}
		return "ID"
	})
}

// startRecorded runs a simulator at the time of the recorded payloads that
// posts every update by itself.
func startRecorded(t *testing.T) (*metasim.Sim, *callback) {
	t.Helper()
	hook := newCallback(t)
	return start(t, metasim.Options{
		WebhookURL: hook.URL, AppSecret: secret, Now: func() time.Time { return recorded },
		Settings: metasim.Settings{BatchMax: 1, ReadShare: 1}, Posters: 1,
	}), hook
}

// The bytes must be Meta's own: escapes, order of members, what is left out.
// A parser that passes on the simulator then passes on the real thing.
func TestInboundWebhooksAreTheRecordedBytes(t *testing.T) {
	t.Parallel()
	ana := metasim.Contact{UserID: "GB.42000000000000000007", Name: "Ana", Username: "tideline_ana"}
	user := metasim.Contact{UserID: igUser}
	tests := map[string]struct {
		account string
		from    metasim.Contact
		text    string
	}{
		"whatsapp/wh_text":                  {number, mira, "Hi, do you have a slot on Thursday afternoon?"},
		"whatsapp/wh_text_bsuid_only":       {number, ana, "hello, is the blue one back in stock?"},
		"instagram/wh_text":                 {instagram, user, "Hey! Do you ship to Ireland?"},
		"instagram/wh_text_emoji_rtl_4byte": {instagram, user, "👩‍🚀 مرحبا \u202ergb\u202c 𠮷 🇮🇪"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, hook := startRecorded(t)
			_, err := sim.Inbound(tt.account, tt.from, tt.text)
			require.NoError(t, err)
			drain(t, sim)
			require.Len(t, hook.got(), 1)
			require.Empty(t, cmp.Diff(mask(readFixture(t, name)), mask(hook.got()[0])))
		})
	}
}

// A greeting is a real message of a kind Meta hides: the recorded bytes, the
// same id each time, and no part of the statistics of a run.
func TestGreeting(t *testing.T) {
	t.Parallel()
	sim, hook := startRecorded(t)
	for range 2 {
		require.NoError(t, sim.Greet(t.Context(), number, []metasim.Contact{mira}))
	}
	got := hook.got()
	require.Empty(t, cmp.Diff(mask(readFixture(t, "whatsapp/wh_unsupported_poll")), mask(got[0])))
	require.Equal(t, got[0], got[1], "a kept database would get every customer's message again")
	require.NoError(t, sim.Greet(t.Context(), instagram, []metasim.Contact{{UserID: igUser}, {UserID: "2"}}))
	require.Equal(t, 2, strings.Count(hook.got()[2], `"is_unsupported":true`))
	require.Empty(t, sim.Inbounds(0))
	require.Zero(t, sim.Stats().Webhooks)
	hook.answers(func(int) int { return http.StatusUnauthorized })
	require.ErrorContains(t, sim.Greet(t.Context(), number, []metasim.Contact{mira}), "401")
	require.ErrorContains(t, sim.Greet(t.Context(), "42", []metasim.Contact{mira}), "not known")
	require.ErrorContains(t, sim.Greet(t.Context(), instagram, []metasim.Contact{{WaID: "1"}}), "user_id")
	require.ErrorContains(t, sim.Greet(t.Context(), number, nil), "contacts")
}

// Statuses, failures, echoes and reads likewise.
func TestWebhooksAfterASendAreTheRecordedBytes(t *testing.T) {
	t.Parallel()
	const data = "job:8c1f3f1e;org:a1"
	tests := map[string]struct {
		call  call
		rule  metasim.Rule
		index int
	}{
		"whatsapp/wh_status_1_sent":      {call: waText("")},
		"whatsapp/wh_status_2_delivered": {call: waText(data), index: 1},
		"whatsapp/wh_status_3_read":      {call: waText(""), index: 2},
		"whatsapp/wh_status_failed_131056_pair": {
			call: waText(""),
			rule: metasim.Rule{Effect: metasim.FailLater, Fixture: "simulator/err_131056_pair_rate_limit"},
		},
		"instagram/wh_echo_own_app": {call: igText("")},
		"instagram/wh_read":         {call: igText(""), index: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, hook := startRecorded(t)
			if tt.rule.Effect != "" {
				_, err := sim.AddRule(tt.rule)
				require.NoError(t, err)
			}
			_, err := sim.Inbound(number, mira, "first")
			require.NoError(t, err)
			drain(t, sim)
			require.Equal(t, 200, do(t, sim, tt.call).status)
			drain(t, sim)
			require.Greater(t, len(hook.got()), 1+tt.index)
			require.Empty(t, cmp.Diff(mask(readFixture(t, name)), mask(hook.got()[1+tt.index])))
		})
	}
}

// members lists the paths of all members of a JSON value.
func members(t *testing.T, raw []byte) []string {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(raw, &value), string(raw))
	found := map[string]bool{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				found[path+"."+name] = true
				walk(path+"."+name, inner)
			}
		case []any:
			for _, inner := range v {
				walk(path+"[]", inner)
			}
		}
	}
	walk("", value)
	return slices.Sorted(maps.Keys(found))
}

// An answer must have the members and headers of Meta's, or the client's
// parser is tested against something that does not exist.
func TestAnswersHaveTheRecordedShape(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	calls := map[string]call{
		"whatsapp/res_send_ok":  waText("1.1"),
		"instagram/res_send_ok": igText("2.1"),
		"whatsapp/res_send_ok_user_id": waText("3.1").replace(
			`"to":"`+phone+`"`, `"recipient":"GB.42000000000000000007"`),
	}
	for name, c := range calls {
		var want struct {
			HTTP struct {
				Headers map[string]string `json:"headers"`
				Body    json.RawMessage   `json:"body"`
			} `json:"http"`
		}
		require.NoError(t, json.Unmarshal([]byte(readFixture(t, name)), &want))
		got := do(t, sim, c)
		require.NoError(t, got.err)
		require.Equal(t, members(t, want.HTTP.Body), members(t, []byte(got.body)), name)
		for header := range want.HTTP.Headers {
			require.NotEmpty(t, got.header.Get(header), "%s: header %s", name, header)
		}
	}
}

// Real ids are long and opaque; shorter ones would hide a column that is too
// small.
func TestIDsHaveTheRecordedLength(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	do(t, sim, waText("1.1"))
	do(t, sim, igText("2.1"))
	in, err := sim.Inbound(number, mira, "hi")
	require.NoError(t, err)
	sends := sim.Sends(0)
	require.Len(t, sends[0].ProviderID, len("wamid.HBgLMTIwMjU1NTAxMDEVAgARGBJBM0Q2RUFBODlBRjNDRUVCNjQA"))
	require.Len(t, in.ProviderID, len("wamid.HBgLMTIwMjU1NTAxMDEVAgASGBQ4OUM0MzAyMzk5RURDNzA0QkNCOQA="))
	require.Len(t, sends[1].ProviderID, 156)
}

// The signature is over the very bytes sent, also for text that is not ASCII.
func TestSignature(t *testing.T) {
	t.Parallel()
	sim, hook := startWith(t, metasim.Settings{})
	_, err := sim.Inbound(number, metasim.Contact{WaID: "447700900456", Name: "ليلى"}, "</p> 🙏 \x00 \xff a/b")
	require.NoError(t, err)
	drain(t, sim)
	body := hook.got()[0]
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	require.Equal(t, "sha256="+hex.EncodeToString(mac.Sum(nil)), hook.heads[0].Get("X-Hub-Signature-256"))
	require.True(t, json.Valid([]byte(body)))
	require.NotRegexp(t, `[^ -~]`, body)
}

// Whatever a customer types must come out of the JSON as it went in.
func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "é\"\\/\n\t\x00\x7f", "𠮷 \u2028 \ufffd"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		encoded := metasim.AppendString(nil, text)
		var back string
		require.NoError(t, json.Unmarshal(encoded, &back))
		require.Equal(t, string([]rune(text)), back)
		require.NotRegexp(t, `[^ -~]`, string(encoded))
	})
}
