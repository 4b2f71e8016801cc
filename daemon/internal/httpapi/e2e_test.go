package httpapi_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// TestWebhookFixtures delivers every recorded webhook through the real
// signature check, parser and store: HTTP status, rows, message status and
// clock must be as its line says.
func TestWebhookFixtures(t *testing.T) {
	t.Parallel()
	// A database is dear to make and cheap to empty: two worlds serve them all.
	worlds := make(chan *world, 2)
	for range cap(worlds) {
		worlds <- newWorld(t)
	}
	expectations := webhookExpectations()
	for _, name := range fixtureNames(t) {
		expect, ok := expectations[name]
		require.True(t, ok, "%s has no expectation", name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, fixture := <-worlds, loadFixture(t, name)
			defer func() { worlds <- w }()
			w.empty(t)
			if expect.keyword != "" {
				w.ruleFor(t, expect.keyword)
			}
			if expect.given != nil {
				expect.given(t, w, fixture.firstID())
			}
			reply := w.do(t, "POST", hookPath, string(fixture.body), "X-Hub-Signature-256", fixture.signature)
			require.Equal(t, max(expect.status, http.StatusOK), reply.StatusCode, "%s\n%s", reply.Body, w.logs)
			require.Equal(t, expect.ran, w.automate(t), "messages that set off the rule")
			got, want := w.story(t), slices.Clone(expect.want)
			slices.Sort(got)
			slices.Sort(want)
			require.Empty(t, cmp.Diff(want, got))
			if expect.check != "" {
				require.Equal(t, "true", w.one(t, `SELECT (`+expect.check+`)::text`))
			}
		})
	}
}

// fixture is one recorded webhook: the exact bytes and Meta's header.
type fixture struct {
	body      []byte
	signature string
}

// firstID returns the provider id of the message of ours the webhook is about.
func (f fixture) firstID() string {
	for _, pattern := range []string{`"statuses":\[{"id":"([^"]+)"`, `"(?:reply_to|read|reaction)":{"mid":"([^"]+)"`, `"mid":"([^"]+)"`} {
		if found := regexp.MustCompile(pattern).FindSubmatch(f.body); found != nil {
			return string(found[1])
		}
	}
	return ""
}

// loadFixture reads a fixture whose body is the file, or a member of it.
func loadFixture(tb testing.TB, name string) fixture {
	tb.Helper()
	data := fixtureBytes(tb, name)
	if strings.Contains(name, "/wh_raw_") {
		var raw struct {
			Body      string `json:"raw_body"`
			Signature string `json:"x_hub_signature_256"`
		}
		require.NoError(tb, json.Unmarshal(data, &raw))
		return fixture{[]byte(raw.Body), raw.Signature}
	}
	for _, f := range recorded(tb) {
		if f.File == name {
			return fixture{data, f.Signature}
		}
	}
	require.FailNow(tb, "not in the manifest", name)
	return fixture{}
}

// recorded returns what the manifest says of the webhooks.
func recorded(tb testing.TB) []recording {
	tb.Helper()
	var manifest struct {
		Files []recording `json:"files"`
	}
	require.NoError(tb, json.Unmarshal(fixtureBytes(tb, "manifest.json"), &manifest))
	return slices.DeleteFunc(manifest.Files, func(f recording) bool { return f.Kind != "webhook" && f.Kind != "raw_webhook" })
}

// recording is a line of the manifest.
type recording struct {
	File      string `json:"file"`
	Kind      string `json:"kind"`
	Signature string `json:"x_hub_signature_256"`
}

func fixtureBytes(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile("../meta/fixtures/" + name)
	require.NoError(tb, err)
	return data
}

func fixtureNames(tb testing.TB) []string {
	tb.Helper()
	var names []string
	for _, f := range recorded(tb) {
		names = append(names, f.File)
	}
	require.NotEmpty(tb, names)
	return names
}

// TestWebhookSequences runs the fixtures that are a course of events.
func TestWebhookSequences(t *testing.T) {
	t.Parallel()
	t.Run("OutOfOrderStatuses", func(t *testing.T) {
		t.Parallel()
		var sequence struct {
			Steps []struct {
				Post string `json:"post"`
			} `json:"steps"`
			Given struct {
				Message string `json:"outbound_message"`
				State   string `json:"state"`
			} `json:"given"`
		}
		readFixture(t, "seq_out_of_order_statuses.json", &sequence)
		w := newWorld(t)
		w.answered(t, "201", sequence.Given.Message, sequence.Given.State)
		for _, step := range sequence.Steps {
			w.deliver(t, loadFixture(t, "whatsapp/"+step.Post).body)
		}
		require.ElementsMatch(t, ours("201", mira, "read by dana sent 200 delivered 202 read 260"), w.story(t))
	})
	t.Run("StatusBeforeSendResponse", func(t *testing.T) {
		t.Parallel()
		var sequence struct {
			Steps []struct {
				Post     string `json:"post"`
				Response string `json:"store_send_response"`
			} `json:"steps"`
			Expect struct {
				State string `json:"state"`
			} `json:"expect"`
		}
		readFixture(t, "seq_status_before_send_response.json", &sequence)
		require.Len(t, sequence.Steps, 3)
		w := newWorld(t)
		w.deliver(t, loadFixture(t, "whatsapp/wh_text.json").body)
		w.reply(t)
		w.finishOne(t, job.WhatsApp, func() {
			w.deliver(t, loadFixture(t, "whatsapp/"+sequence.Steps[0].Post).body)
			require.Contains(t, w.story(t), "201 parked 1")
		}, job.MessageEffect{Status: inbox.Accepted, ProviderID: sequence.Steps[1].Response})
		require.Contains(t, w.story(t), "201 out text sent by dana sent 200")
		w.deliver(t, loadFixture(t, "whatsapp/"+sequence.Steps[2].Post).body)
		require.ElementsMatch(t, with(said("201", mira, "text", "0"),
			"201 out text "+sequence.Expect.State+" by dana sent 200 delivered 202", "-201 clock 0 runs", "201 clock 0 answered 600 by dana"), w.story(t))
	})
	t.Run("EchoBeforeSendResponse", func(t *testing.T) {
		t.Parallel()
		w, echo := newWorld(t), loadFixture(t, "instagram/wh_echo_before_send_response.json")
		w.deliver(t, loadFixture(t, "instagram/wh_text.json").body)
		w.reply(t)
		w.finishOne(t, job.Instagram, func() { w.deliver(t, echo.body) }, job.MessageEffect{Status: inbox.Sent, ProviderID: echo.firstID()})
		require.ElementsMatch(t, with(said("301", nora, "text", "0"),
			"301 out text sent by dana sent 17", "-301 clock 0 runs", "301 clock 0 answered 600 by dana"), w.story(t))
	})
}

// reply lets dana answer in the one conversation there is.
func (w *world) reply(t *testing.T) {
	t.Helper()
	target := "/v1/conversations/" + w.one(t, `SELECT id::text FROM conversations`) + "/messages"
	got := w.do(t, "POST", target, `{"text":"Yes, we do!"}`, as(w.token(t, "acme", "dana"))...)
	require.Equal(t, http.StatusAccepted, got.StatusCode, got.Body)
}
