package meta_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/meta"
)

// textMessage is a WhatsApp text whose body is the given JSON literal.
func textMessage(id, literal string) string {
	return `{"from":"12025550101","id":"` + id + `","timestamp":"1791190800","type":"text","text":{"body":` + literal + `}}`
}

// PostgreSQL refuses NUL and lone surrogates; one of them in a customer's
// message would make every delivery of it fail for a week.
func TestTextIsMadeStorable(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ literal, want string }{
		"NUL":                {`"a\u0000b"`, "ab"},
		"LoneHigh":           {`"a\ud83db"`, "a\uFFFDb"},
		"LoneLow":            {`"a\ude00b"`, "a\uFFFDb"},
		"PairSplitByNUL":     {`"\ud83d\u0000\ude00"`, "\uFFFD\uFFFD"},
		"HighThenPair":       {`"\ud83d\ud83d\ude00"`, "\uFFFD😀"},
		"HighAtTheEnd":       {`"\ud83d"`, "\uFFFD"},
		"GoodPair":           {`"\ud83d\ude00"`, "😀"},
		"UpperCaseHex":       {`"\uD83D\uDE00"`, "😀"},
		"EscapedBackslash":   {`"\\u0000"`, `\u0000`},
		"EscapedQuote":       {`"\"\\"`, `"\`},
		"BadUTF8":            {"\"a\xff\xfeb\"", "a\uFFFD\uFFFDb"},
		"EncodedSurrogate":   {"\"\xed\xa0\x80\"", "\uFFFD\uFFFD\uFFFD"},
		"SlashEscape":        {`"a\/b"`, "a/b"},
		"BidiAndJoinersStay": {`"\u202ergb\u202c \u200d"`, "\u202ergb\u202c \u200d"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse(whatsAppBody(textMessage("wamid.1", c.literal)))
			require.Len(t, b.Inbound, 1)
			require.Equal(t, c.want, b.Inbound[0].Text)
			checkStorable(t, b)
		})
	}
}

// Payloads go into jsonb as they are, so the same holds inside them, and jsonb
// refuses numbers that its numeric type cannot hold.
func TestPayloadIsMadeStorable(t *testing.T) {
	t.Parallel()
	b := meta.Parse(whatsAppBody(`{"from":"12025550101","id":"wamid.1","timestamp":"1","type":"hologram",` +
		`"hologram":{"a\u0000":"x\u0000y\ud800","n":1e999999999,"m":` + strings.Repeat("9", 5000) + `,"ok":1e20}}`))
	require.Len(t, b.Inbound, 1)
	checkStorable(t, b)
	var payload struct {
		Content map[string]any `json:"content"`
	}
	require.NoError(t, json.Unmarshal(b.Inbound[0].Payload, &payload))
	require.Equal(t, map[string]any{
		"a": "xy\uFFFD", "n": "1e999999999", "m": strings.Repeat("9", 5000), "ok": 1e20,
	}, payload.Content)
	require.Equal(t, inbox.KindUnknown, b.Inbound[0].Kind)
}

func TestFlowResponseIsReadApart(t *testing.T) {
	t.Parallel()
	flow := func(response string) string {
		return `{"from":"12025550101","id":"wamid.1","timestamp":"1","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"body":"Sent","response_json":` + response + `}}}`
	}
	cases := map[string]struct{ response, want string }{
		"JSON":      {`"{\"a\":1}"`, `{"interactive":{"response":{"a":1},"type":"nfm_reply"}}`},
		"InnerNUL":  {`"{\"a\":\"\\u0000b\\ud800\"}"`, "{\"interactive\":{\"response\":{\"a\":\"b\uFFFD\"},\"type\":\"nfm_reply\"}}"},
		"NotJSON":   {`"{\"a\":"`, `{"interactive":{"response_text":"{\"a\":","type":"nfm_reply"}}`},
		"NotString": {`{"a":1}`, `{"interactive":{"type":"nfm_reply"}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse(whatsAppBody(flow(c.response)))
			require.Len(t, b.Inbound, 1)
			require.JSONEq(t, c.want, string(b.Inbound[0].Payload))
			require.Equal(t, "Sent", b.Inbound[0].Text)
			checkStorable(t, b)
		})
	}
}

// One element that cannot be read must not cost the customer beside it.
func TestNeighboursSurvive(t *testing.T) {
	t.Parallel()
	good := textMessage("wamid.good", `"hello"`)
	cases := map[string]struct {
		bad    string
		reason inbox.UnusableReason
	}{
		"Null":         {`null`, inbox.BadJSON},
		"Number":       {`7`, inbox.BadJSON},
		"Array":        {`[1]`, inbox.BadJSON},
		"NoID":         {`{"from":"12025550101","type":"text","text":{"body":"x"}}`, inbox.MissingID},
		"IDIsObject":   {`{"from":"12025550101","id":{},"type":"text","text":{"body":"x"}}`, inbox.MissingID},
		"NoSender":     {`{"id":"wamid.x","type":"text","text":{"body":"x"}}`, inbox.MissingID},
		"SenderIsWord": {`{"from":"somebody","id":"wamid.x","type":"text","text":{"body":"x"}}`, inbox.MissingID},
		"HugeID":       {`{"from":"12025550101","id":"` + strings.Repeat("w", 2000) + `","type":"text","text":{"body":"x"}}`, inbox.MissingID},
		"TooDeep":      {strings.Repeat("[", 500) + strings.Repeat("]", 500), inbox.BadJSON},
		"OddSystem":    {`{"id":"wamid.x","type":"system","system":{"type":"rebooted"}}`, inbox.UnknownEvent},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse(whatsAppBody(good, c.bad, textMessage("wamid.after", `"again"`)))
			require.Len(t, b.Inbound, 2)
			require.Contains(t, reasons(b), c.reason)
			checkStorable(t, b)
		})
	}
}

func TestWrongTypesAreAbsent(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ message, kind string }{
		"TextIsAString":     {`"type":"text","text":"hello"`, "unknown"},
		"BodyIsANumber":     {`"type":"text","text":{"body":5}`, "text"},
		"BodyIsAnObject":    {`"type":"text","text":{"body":{}}`, "text"},
		"TypeIsANumber":     {`"type":5`, "unknown"},
		"NoType":            {`"text":{"body":"x"}`, "unknown"},
		"ContactsIsAnObj":   {`"type":"contacts","contacts":{}`, "unknown"},
		"EmptyInteractive":  {`"type":"interactive","interactive":{"type":"later"}`, "unknown"},
		"ImageWithoutID":    {`"type":"image","image":{}`, "image"},
		"ContextIsAString":  {`"type":"text","text":{"body":"x"},"context":"y"`, "text"},
		"LocationInStrings": {`"type":"location","location":{"latitude":"1.5","longitude":"-2"}`, "location"},
		"LocationNaN":       {`"type":"location","location":{"latitude":"NaN","longitude":"0x1p-2"}`, "location"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse(whatsAppBody(`{"from":"12025550101","id":"wamid.1","timestamp":"1791190800",` + c.message + `}`))
			require.Len(t, b.Inbound, 1)
			require.Equal(t, c.kind, string(b.Inbound[0].Kind))
			checkStorable(t, b)
		})
	}
}

// Statuses must get through although the messages beside them are no list.
func TestMembersOfWrongTypeDoNotHideOthers(t *testing.T) {
	t.Parallel()
	b := meta.Parse(whatsAppValue(`"contacts":7,"messages":{"a":1},"statuses":[{"id":"wamid.1","status":"sent","timestamp":"1791190800"}]`))
	require.Len(t, b.Statuses, 1)
	require.Equal(t, []inbox.UnusableReason{inbox.BadJSON}, reasons(b))
}

func TestLongTextIsCutWithAMarker(t *testing.T) {
	t.Parallel()
	exact := strings.Repeat("é", inbox.InboundTextRunes)
	b := meta.Parse(whatsAppBody(textMessage("wamid.1", `"`+exact+`"`), textMessage("wamid.2", `"`+exact+`x"`)))
	require.Len(t, b.Inbound, 2)
	require.Equal(t, exact, b.Inbound[0].Text)
	require.Equal(t, inbox.InboundTextRunes, utf8.RuneCountInString(b.Inbound[1].Text))
	require.True(t, strings.HasSuffix(b.Inbound[1].Text, "… [cut]"))
}

func TestLargePayloadIsCut(t *testing.T) {
	t.Parallel()
	b := meta.Parse(whatsAppBody(`{"from":"12025550101","id":"wamid.1","type":"order","order":{"text":"` + strings.Repeat("x", 1<<20) + `"}}`))
	require.Len(t, b.Inbound, 1)
	require.JSONEq(t, `{"cut":true}`, string(b.Inbound[0].Payload))
}

func TestUnusableIsBounded(t *testing.T) {
	t.Parallel()
	b := meta.Parse(whatsAppBody(strings.Repeat("1,", 5000)+"1", textMessage("wamid.good", `"hello"`)))
	require.Len(t, b.Inbound, 1)
	require.Len(t, b.Unusable, 100)
	require.Equal(t, "4902 more parts could not be used", b.Unusable[99].Detail)
}

func TestBodiesThatAreNoWebhook(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body   string
		reason inbox.UnusableReason
	}{
		"Empty":         {"", inbox.BadJSON},
		"Space":         {" \n", inbox.BadJSON},
		"Null":          {"null", inbox.BadJSON},
		"String":        {`"object"`, inbox.BadJSON},
		"TwoValues":     {`{}{}`, inbox.BadJSON},
		"NoObject":      {`{}`, inbox.UnknownObject},
		"Page":          {`{"object":"page","entry":[]}`, inbox.UnknownObject},
		"TooLarge":      {`{"object":"` + strings.Repeat("x", meta.MaxBody) + `"}`, inbox.BadJSON},
		"VeryDeep":      {strings.Repeat("[", 1_000_000), inbox.BadJSON},
		"NoMetadata":    {`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[]}}]}]}`, inbox.MissingID},
		"NothingInside": {`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"2"}}}]}]}`, inbox.UnknownEvent},
		"EmptyIGEntry":  {`{"object":"instagram","entry":[{"id":"1"}]}`, inbox.UnknownEvent},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse([]byte(c.body))
			require.Equal(t, []inbox.UnusableReason{c.reason}, reasons(b))
		})
	}
}

// Every cut of a recorded body is something a broken proxy may deliver.
func TestEveryPrefixOfABodyIsHandled(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"whatsapp/wh_unsupported_poll.json", "instagram/wh_batch_multi_entry_multi_tenant.json"} {
		body := readFixture(t, file)
		for i := range body {
			require.Equal(t, []inbox.UnusableReason{inbox.BadJSON}, reasons(meta.Parse(body[:i])))
		}
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		`../../etc/passwd`:                "passwd",
		`C:\\temp\\a.pdf`:                 "a.pdf",
		`a\u0000\n.pdf`:                   "a.pdf",
		`in\u202evoice.exe.fdp`:           "invoice.exe.fdp",
		`a:b*c?.txt`:                      "a_b_c_.txt",
		`..`:                              "",
		strings.Repeat("é", 300) + `.pdf`: strings.Repeat("é", 98) + ".pdf",
	}
	for given, want := range cases {
		b := meta.Parse(whatsAppBody(`{"from":"12025550101","id":"wamid.1","type":"document","document":{"id":"1","filename":"` + given + `"}}`))
		var payload struct {
			Attachments []struct {
				Name string `json:"filename"`
			} `json:"attachments"`
		}
		require.NoError(t, json.Unmarshal(b.Inbound[0].Payload, &payload))
		require.Equal(t, want, payload.Attachments[0].Name, "from %s", given)
	}
}

// Meta gives no id to a reaction or a postback; without a stable one a
// redelivery would run its automation twice, without a distinct one a second
// tap would be lost.
func TestMadeIDs(t *testing.T) {
	t.Parallel()
	event := func(sender, at, payload string) string {
		return fmt.Sprintf(`{"sender":{"id":%q},"recipient":{"id":"17841400000000301"},"timestamp":%s,"postback":{"title":"Start","payload":%q}}`, sender, at, payload)
	}
	first := event("1", "1791190800000", "a")
	b := meta.Parse(instagramBody(first, event("2", "1791190800000", "a"), event("1", "1791190800001", "a"), event("1", "1791190800000", "b")))
	require.Len(t, b.Inbound, 4)
	seen := map[string]bool{}
	for _, in := range b.Inbound {
		seen[in.ProviderID] = true
	}
	require.Len(t, seen, 4)
	again := strings.Replace(first, `"title":"Start","payload":"a"`, `"payload":"\u0061", "title":"Start"`, 1)
	require.Equal(t, b.Inbound[0].ProviderID, meta.Parse(instagramBody(again)).Inbound[0].ProviderID)
}

func FuzzParse(f *testing.F) {
	for _, file := range append(manifest(f, "webhook"), manifest(f, "raw_webhook")...) {
		if body := webhookBody(f, file); len(body) < 4096 {
			f.Add(body)
		}
	}
	f.Add(whatsAppBody(textMessage("wamid.1", `"\ud800\u0000"`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		b := meta.Parse(body)
		require.Equal(t, before, string(body), "the raw bytes are kept and must not change")
		require.Empty(t, cmp.Diff(b, meta.Parse(body)))
		checkStorable(t, b)
	})
}
