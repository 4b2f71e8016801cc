package meta_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta"
)

const (
	token    = "EAAsecretTokenOfTheChannel"
	callback = "17.3"
	whatsOK  = `{"contacts":[{"wa_id":"12025550101"}],"messages":[{"id":"wamid.1"}]}`
)

// newClient returns a client of one base URL for both products.
func newClient(t *testing.T, base string, change ...func(*meta.Options)) *meta.Client {
	t.Helper()
	o := meta.Options{GraphURL: base, InstagramURL: base, Version: "v26.0", AppSecrets: []string{secret}}
	for _, f := range change {
		f(&o)
	}
	c, err := meta.NewClient(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func textTo(contact inbox.Contact) inbox.Outgoing {
	return inbox.Outgoing{
		Message: inbox.Message{Kind: inbox.KindText, Text: "Thursday at three, <b>shall</b> I book it?"},
		Channel: inbox.Channel{Kind: inbox.WhatsApp, ExternalID: "120000000000201"},
		Contact: contact, Token: token,
	}
}

func whatsAppText() inbox.Outgoing { return textTo(inbox.Contact{WaID: "12025550101"}) }

// recordedRequest is a req_ fixture.
type recordedRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    recordedBody      `json:"body"`
}

type recordedBody struct {
	To        json.RawMessage `json:"to"`
	Recipient json.RawMessage `json:"recipient"`
	Type      string          `json:"type"`
	Text      struct {
		Body string `json:"body"`
	} `json:"text"`
	Template struct {
		Name     string `json:"name"`
		Language struct {
			Code string `json:"code"`
		} `json:"language"`
		Components json.RawMessage `json:"components"`
	} `json:"template"`
	Message struct {
		Text string `json:"text"`
	} `json:"message"`
}

// outgoing is what the inbox would hold for this request.
func (r recordedRequest) outgoing(t *testing.T) inbox.Outgoing {
	t.Helper()
	u, err := url.Parse(r.URL)
	require.NoError(t, err)
	out := inbox.Outgoing{Token: token, Message: inbox.Message{Kind: inbox.KindText, Text: r.Body.Text.Body}}
	out.Channel = inbox.Channel{Kind: inbox.WhatsApp, ExternalID: path.Base(path.Dir(u.Path))}
	if u.Host == "graph.instagram.com" {
		out.Channel.Kind, out.Message.Text = inbox.Instagram, r.Body.Message.Text
		var recipient struct {
			ID string `json:"id"`
		}
		require.NoError(t, json.Unmarshal(r.Body.Recipient, &recipient))
		out.Contact.UserID = recipient.ID
		return out
	}
	var to, userID string
	if r.Body.To != nil {
		require.NoError(t, json.Unmarshal(r.Body.To, &to))
	} else {
		require.NoError(t, json.Unmarshal(r.Body.Recipient, &userID))
	}
	out.Contact = inbox.Contact{WaID: strings.TrimPrefix(to, "+"), UserID: userID}
	if r.Body.Type == "template" {
		out.Message.Kind, out.Message.Text = inbox.KindTemplate, ""
		out.Message.Payload, err = json.Marshal(map[string]any{
			"name": r.Body.Template.Name, "language": r.Body.Template.Language.Code, "components": r.Body.Template.Components,
		})
		require.NoError(t, err)
	}
	return out
}

// comparable drops what the fixtures vary freely: callback data, the preview
// flag that is off by default, and the template policy that has one value.
func comparable(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var body map[string]any
	require.NoError(t, json.Unmarshal(raw, &body))
	delete(body, "biz_opaque_callback_data")
	if text, ok := body["text"].(map[string]any); ok {
		delete(text, "preview_url")
	}
	if template, ok := body["template"].(map[string]any); ok {
		language, ok := template["language"].(map[string]any)
		require.True(t, ok)
		delete(language, "policy")
	}
	return body
}

// A body that differs from what Meta documents is refused, or worse, taken for
// something else.
func TestRequestsAreAsRecorded(t *testing.T) {
	t.Parallel()
	for _, file := range []string{
		"whatsapp/req_send_text.json", "whatsapp/req_send_text_to_user_id.json",
		"whatsapp/req_send_template_body_params.json", "whatsapp/req_send_template_header_image_buttons.json",
		"whatsapp/req_send_template_named_params.json", "whatsapp/req_send_template_no_params.json",
		"instagram/req_send_text_instagram_login.json",
	} {
		t.Run(testName(file), func(t *testing.T) {
			t.Parallel()
			var want recordedRequest
			require.NoError(t, json.Unmarshal(readFixture(t, file), &want))
			var wantBody struct {
				Body json.RawMessage `json:"body"`
			}
			require.NoError(t, json.Unmarshal(readFixture(t, file), &wantBody))
			var got *http.Request
			var body []byte
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
				_, _ = io.WriteString(w, `{"message_id":"mid.1","messages":[{"id":"wamid.1"}]}`)
			})
			result := newClient(t, base).Send(t.Context(), want.outgoing(t), callback)
			require.Equal(t, job.Succeed, result.Verdict, "%+v", result)
			require.Equal(t, want.Method, got.Method)
			require.True(t, strings.HasSuffix(want.URL, got.URL.Path), "%s is not the end of %s", got.URL.Path, want.URL)
			require.Empty(t, got.URL.RawQuery)
			require.Equal(t, "Bearer "+token, got.Header.Get("Authorization"))
			require.Equal(t, want.Headers["Content-Type"], got.Header.Get("Content-Type"))
			require.Equal(t, callback, got.Header.Get("X-Request-Id"))
			require.Empty(t, cmp.Diff(comparable(t, wantBody.Body), comparable(t, body)))
		})
	}
}

func TestCallbackGoesWithWhatsAppOnly(t *testing.T) {
	t.Parallel()
	var body map[string]any
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body = nil
		_ = json.NewDecoder(r.Body).Decode(&body)
		_, _ = io.WriteString(w, `{"message_id":"mid.1","messages":[{"id":"wamid.1"}]}`)
	})
	client := newClient(t, base)
	result := client.Send(t.Context(), whatsAppText(), callback)
	require.Equal(t, job.Result{
		Class: job.ClassOK, Message: &job.MessageEffect{Status: inbox.Accepted, ProviderID: "wamid.1"},
	}, result)
	require.Equal(t, callback, body["biz_opaque_callback_data"])
	require.Equal(t, map[string]any{"body": whatsAppText().Message.Text, "preview_url": false}, body["text"])
	out := textTo(inbox.Contact{UserID: "118"})
	out.Channel.Kind = inbox.Instagram
	result = client.Send(t.Context(), out, callback)
	require.Equal(t, job.Result{
		Class: job.ClassOK, Message: &job.MessageEffect{Status: inbox.Sent, ProviderID: "mid.1"},
	}, result)
	require.NotContains(t, body, "biz_opaque_callback_data")
}

// The two ways a stored template may look.
func TestStoredTemplates(t *testing.T) {
	t.Parallel()
	marshalled, err := json.Marshal(inbox.Template{Name: "a", Language: "en", Components: []byte(`[{"type":"body"}]`)})
	require.NoError(t, err)
	cases := map[string]struct{ payload, want string }{
		"Array":        {`{"name":"a","language":"en","components":[{"type":"body"}]}`, `{"name":"a","language":{"code":"en"},"components":[{"type":"body"}]}`},
		"OfTheDomain":  {string(marshalled), `{"name":"a","language":{"code":"en"},"components":[{"type":"body"}]}`},
		"Null":         {`{"name":"a","language":"en","components":null}`, `{"name":"a","language":{"code":"en"}}`},
		"Empty":        {`{"name":"a","language":"en","components":[]}`, `{"name":"a","language":{"code":"en"}}`},
		"NoLanguage":   {`{"name":"a"}`, ``},
		"NoPayload":    {``, ``},
		"NoArray":      {`{"name":"a","language":"en","components":{"type":"body"}}`, ``},
		"BadBase64":    {`{"name":"a","language":"en","components":"%%"}`, ``},
		"NotJSONAtAll": {`{"name":"a","language":"en","components":"eA=="}`, ``},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body struct {
				Template json.RawMessage `json:"template"`
			}
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewDecoder(r.Body).Decode(&body)
				_, _ = io.WriteString(w, whatsOK)
			})
			out := whatsAppText()
			out.Message = inbox.Message{Kind: inbox.KindTemplate, Payload: []byte(c.payload)}
			result := newClient(t, base).Send(t.Context(), out, callback)
			if c.want == "" {
				require.Equal(t, job.ClassRequestInvalid, result.Class)
				require.Nil(t, body.Template, "nothing may be sent")
				return
			}
			require.JSONEq(t, c.want, string(body.Template))
		})
	}
}

// What cannot be sent must not go out, and must say why without the content.
func TestMessagesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*inbox.Outgoing)
		class  job.Class
	}{
		"NoToken":         {func(o *inbox.Outgoing) { o.Token = "" }, job.ClassAuth},
		"TokenWithBreak":  {func(o *inbox.Outgoing) { o.Token = "a\r\nHost: b" }, job.ClassAuth},
		"NoContact":       {func(o *inbox.Outgoing) { o.Contact = inbox.Contact{} }, job.ClassRequestInvalid},
		"NoChannelID":     {func(o *inbox.Outgoing) { o.Channel.ExternalID = "" }, job.ClassRequestInvalid},
		"AdAccount":       {func(o *inbox.Outgoing) { o.Channel.Kind = inbox.AdAccount }, job.ClassRequestInvalid},
		"ImageKind":       {func(o *inbox.Outgoing) { o.Message.Kind = inbox.KindImage }, job.ClassRequestInvalid},
		"InstagramByWaID": {func(o *inbox.Outgoing) { o.Channel.Kind = inbox.Instagram }, job.ClassRequestInvalid},
		"InstagramTemplate": {func(o *inbox.Outgoing) {
			o.Channel.Kind, o.Contact.UserID, o.Message.Kind = inbox.Instagram, "118", inbox.KindTemplate
		}, job.ClassRequestInvalid},
	}
	base := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	client := newClient(t, base)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := whatsAppText()
			c.change(&out)
			result := client.Send(t.Context(), out, callback)
			require.Equal(t, job.Fail, result.Verdict)
			require.Equal(t, c.class, result.Class)
			require.NotEmpty(t, result.Detail)
		})
	}
}

func TestOptionsNameEveryFault(t *testing.T) {
	t.Parallel()
	_, err := meta.NewClient(meta.Options{GraphURL: "graph.facebook.com", InstagramURL: "ftp://x", Version: "26"})
	require.EqualError(t, err, "graph URL is not an absolute http or https URL\n"+
		"instagram URL is not an absolute http or https URL\n"+`graph API version "26" is not of the form v26.0`)
	client := newClient(t, "https://graph.facebook.com/")
	body := []byte("{}")
	require.True(t, client.Verify(sign(secret, body), body))
}
