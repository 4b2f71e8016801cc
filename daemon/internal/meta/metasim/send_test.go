package metasim_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// A client that leaves out a required member must notice here, not at Meta.
func TestSendIsChecked(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	text, template, ig := waText("1.1"), waTemplate("1.1", "hello"), igText("1.1")
	tests := map[string]struct {
		call   call
		status int
		code   string
	}{
		"text":                      {text, 200, ""},
		"any version":               {call{path: "/v21.0/" + number + "/messages", token: waToken, body: text.body}, 200, ""},
		"template":                  {template, 200, ""},
		"instagram":                 {ig, 200, ""},
		"instagram me":              {call{path: "/v26.0/me/messages", token: igToken, body: ig.body}, 200, ""},
		"4096 characters":           {text.replace("Booked ✅", strings.Repeat("ä", 4096)), 200, ""},
		"1000 bytes":                {ig.replace("Yes, we do!", strings.Repeat("a", 1000)), 200, ""},
		"4097 characters":           {text.replace("Booked ✅", strings.Repeat("a", 4097)), 400, "100"},
		"1001 bytes in 501 letters": {ig.replace("Yes, we do!", strings.Repeat("ä", 500)+"a"), 400, "100"},
		"not JSON":                  {text.replace("{", "<"), 400, "100"},
		"no product":                {text.replace("messaging_product", "x"), 400, "100"},
		"no recipient":              {text.replace(`"to"`, `"x"`), 400, "131008"},
		"no type":                   {text.replace(`"type"`, `"x"`), 400, "131008"},
		"empty text":                {text.replace("Booked ✅", ""), 400, "131008"},
		"unknown type":              {text.replace(`"type":"text"`, `"type":"fax"`), 400, "131051"},
		"template without language": {template.replace("language", "x"), 400, "131008"},
		"template without name":     {template.replace(`"name"`, `"x"`), 400, "131008"},
		"instagram no recipient":    {ig.replace(`"id"`, `"x"`), 400, "100"},
		"instagram no text":         {ig.replace(`"text"`, `"x"`), 400, "100"},
		"no token":                  {call{path: text.path, body: text.body}, 401, "190"},
		"wrong token":               {call{path: text.path, body: text.body, token: "stale"}, 401, "190"},
		"another account's token":   {call{path: text.path, body: text.body, token: igToken}, 400, "100"},
		"me on whatsapp":            {call{path: "/v26.0/me/messages", body: text.body, token: waToken}, 400, "100"},
		"unknown number":            {call{path: "/v26.0/42/messages", body: text.body, token: waToken}, 400, "100"},
		"no version":                {call{path: "/latest/" + number + "/messages", body: text.body, token: waToken}, 400, "2500"},
		"unknown path":              {call{path: "/v26.0/" + number + "/calls", body: text.body, token: waToken}, 400, "2500"},
		"body over 1 MiB":           {text.replace("Booked ✅", strings.Repeat("a", 1<<20)), 400, "100"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := do(t, sim, tt.call)
			require.NoError(t, got.err)
			require.Equal(t, tt.status, got.status, got.body)
			if tt.code != "" {
				require.Equal(t, tt.code, errorCode(t, got.body))
			}
		})
	}
}

// The ledger is what the report's duplicate_sends and out_of_order rest on.
func TestLedger(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	do(t, sim, waText("7.1"))
	do(t, sim, waText("7.2"))
	do(t, sim, waTemplate("8.1", "promo"))
	do(t, sim, igText("9.1").replace("Yes", strings.Repeat("a", 1001)))
	require.Eventually(t, func() bool { return !sim.Sends(3)[0].EndedAt.IsZero() }, 10*time.Second, time.Millisecond)
	sends := sim.Sends(0)
	require.Len(t, sends, 4)
	for i, want := range []metasim.Send{
		{RequestID: "7.1", Job: "7", Kind: metasim.WhatsApp, Type: "text", Decision: metasim.Accepted, HTTPStatus: 200},
		{RequestID: "7.2", Job: "7", Kind: metasim.WhatsApp, Type: "text", Decision: metasim.Accepted, HTTPStatus: 200},
		{RequestID: "8.1", Job: "8", Kind: metasim.WhatsApp, Type: "template", Template: "promo", Decision: metasim.Accepted, HTTPStatus: 200},
		{RequestID: "9.1", Job: "9", Kind: metasim.Instagram, Type: "text", Decision: metasim.Refused, HTTPStatus: 400, Code: 100},
	} {
		got := sends[i]
		require.Equal(t, int64(i+1), got.Seq)
		require.Len(t, got.TextHash, 16)
		require.Equal(t, want.Decision == metasim.Accepted, got.ProviderID != "")
		got.Seq, got.At, got.Account, got.Recipient, got.TextHash, got.ProviderID = 0, time.Time{}, "", "", "", ""
		require.False(t, got.EndedAt.Before(sends[i].At), "it ended after it came")
		got.EndedAt = time.Time{}
		require.Equal(t, want, got)
	}
	require.Equal(t, sends[0].TextHash, sends[1].TextHash)
	require.Equal(t, 2, sim.Accepted("7"))
	require.Equal(t, 0, sim.Accepted("9"))
	require.Equal(t, []metasim.Duplicate{{Job: "7", Accepted: 2}}, sim.Duplicates())
	require.Equal(t, sends[2:], sim.Sends(2))
	require.Empty(t, sim.Sends(4))
	require.Equal(t, metasim.SendStats{Arrived: 4, Accepted: 3, Refused: 1, DuplicateJobs: 1}, sim.Stats().Sends)
}

// A simulator that runs for days must not grow without bound.
func TestLedgerForgetsTheOldest(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{Keep: 4})
	for range 6 {
		do(t, sim, waText("7.1"))
		_, err := sim.Inbound(number, mira, "hi")
		require.NoError(t, err)
	}
	require.Len(t, sim.Sends(0), 5)
	require.Equal(t, int64(2), sim.Sends(0)[0].Seq)
	require.Equal(t, int64(6), sim.Sends(5)[0].Seq)
	require.Equal(t, 5, sim.Accepted("7"))
	require.Equal(t, int64(6), sim.Inbounds(5)[0].Seq)
}

// A token that expires is refused until it is renewed, and only then.
func TestExpiredToken(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	require.Error(t, sim.ExpireToken("42"))
	require.NoError(t, sim.ExpireToken(number))
	got := do(t, sim, waText("1.1"))
	require.Equal(t, http.StatusUnauthorized, got.status)
	require.Contains(t, got.body, `"error_subcode":463`)
	require.NoError(t, sim.AddAccount(metasim.Account{Kind: metasim.WhatsApp, ID: number, BusinessID: "1", Token: "fresh"}))
	require.Equal(t, http.StatusUnauthorized, do(t, sim, waText("1.2")).status)
	renewed := waText("1.3")
	renewed.token = "fresh"
	require.Equal(t, http.StatusOK, do(t, sim, renewed).status)
}

// The literal reading of Meta's pair rule: a burst is borrowed from the time
// after it, and other recipients are not touched.
func TestPairLimit(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	sim := start(t, metasim.Options{
		Now:      func() time.Time { return recorded.Add(time.Duration(offset.Load())) },
		Settings: metasim.Settings{PairLimit: true},
	})
	for range 20 {
		require.Equal(t, 200, do(t, sim, waText("1.1")).status)
	}
	offset.Store(int64(119 * time.Second))
	got := do(t, sim, waText("2.1"))
	require.Equal(t, "131056", errorCode(t, got.body))
	require.Equal(t, 200, do(t, sim, waText("3.1").replace(phone, "+12025550199")).status)
	offset.Store(int64(121 * time.Second))
	require.Equal(t, 200, do(t, sim, waText("2.2")).status)
	for range 44 {
		require.Equal(t, 200, do(t, sim, waText("4.1")).status)
	}
	require.Equal(t, 400, do(t, sim, waText("4.2")).status)
}

func TestNumberThroughput(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	sim := start(t, metasim.Options{
		Now:      func() time.Time { return recorded.Add(time.Duration(offset.Load())) },
		Settings: metasim.Settings{NumberPerSec: 2},
	})
	require.Equal(t, 200, do(t, sim, waText("1.1")).status)
	require.Equal(t, 200, do(t, sim, waText("2.1")).status)
	require.Equal(t, "130429", errorCode(t, do(t, sim, waText("3.1")).body))
	offset.Store(int64(time.Second))
	require.Equal(t, 200, do(t, sim, waText("3.2")).status)
}
