package meta_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

func tokenOf(kind inbox.TokenKind, clear string) inbox.ChannelToken {
	c := inbox.Channel{ID: 5, OrgID: 1, Kind: inbox.AdAccount, ExternalID: adAccount}
	if kind == inbox.TokenInstagramLong {
		c.Kind = inbox.Instagram
	}
	return inbox.ChannelToken{Channel: c, TokenLife: inbox.TokenLife{Kind: kind}, Token: clear, Version: 1}
}

// A renewal, its proof, and that the old token still works: asking again after
// a lost answer is right.
func TestRenewToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []inbox.TokenKind{inbox.TokenInstagramLong, inbox.TokenFacebookLong, inbox.TokenSystemUser} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			sim, client, account := spendSim(t, metasim.Book{})
			require.True(t, client.ManagesTokens())
			present := tokenOf(kind, adToken)
			_, err := sim.AddRule(metasim.Rule{Type: "renewal", Effect: metasim.DropAnswer, Next: 1})
			require.NoError(t, err)
			_, result := client.RenewToken(t.Context(), present)
			require.Equal(t, [2]any{job.Doubt, job.ClassAmbiguous}, [2]any{result.Verdict, result.Class})

			issued, result := client.RenewToken(t.Context(), present)
			require.Equal(t, job.Succeed, result.Verdict, result.Detail)
			require.WithinDuration(t, time.Now().Add(60*24*time.Hour), issued.ExpiresAt, time.Hour)
			require.NotEqual(t, adToken, issued.Token)
			require.Equal(t, 2, sim.Renewals(adAccount))
			life, result := client.InspectToken(t.Context(), present.Channel, issued.Token, kind)
			require.Equal(t, job.Succeed, result.Verdict, result.Detail)
			require.NotZero(t, life.CheckedAt)
			_, result = client.Insights(t.Context(), account, fourDays())
			require.Equal(t, job.Succeed, result.Verdict, "the old one")
			account.Token = issued.Token
			_, result = client.Insights(t.Context(), account, fourDays())
			require.Equal(t, job.Succeed, result.Verdict, "the new one")
		})
	}
}

func TestRenewTokenRefused(t *testing.T) {
	t.Parallel()
	sim, client, _ := spendSim(t, metasim.Book{})
	now := time.Now()
	require.NoError(t, sim.AddAccount(metasim.Account{Kind: metasim.Instagram, ID: "178", Token: "IGAAnew"}))
	sim.SetTokenLife("IGAAnew", metasim.TokenLife{IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(24 * time.Hour)})
	_, result := client.RenewToken(t.Context(), tokenOf(inbox.TokenInstagramLong, "IGAAnew"))
	require.Equal(t, job.Fail, result.Verdict, "too early")
	require.NotEqual(t, job.ClassAuth, result.Class, "and yet not dead")

	for _, life := range []metasim.TokenLife{{ExpiresAt: now.Add(-time.Second)}, {Revoked: true}} {
		sim.SetTokenLife(adToken, life)
		_, result = client.RenewToken(t.Context(), tokenOf(inbox.TokenFacebookLong, adToken))
		require.Equal(t, [2]any{job.Fail, job.ClassAuth}, [2]any{result.Verdict, result.Class})
		_, result = client.InspectToken(t.Context(), tokenOf(inbox.TokenFacebookLong, "").Channel, adToken, inbox.TokenFacebookLong)
		require.Equal(t, job.ClassAuth, result.Class, "debug_token says it with HTTP 200")
		_, result = client.InspectToken(t.Context(), tokenOf(inbox.TokenInstagramLong, "").Channel, adToken, inbox.TokenInstagramLong)
		require.Equal(t, job.ClassAuth, result.Class)
	}
	require.Zero(t, sim.Renewals(adAccount))
}

// While a secret is exchanged both are in the settings; a wrong one alone is
// our fault, whatever token was asked for.
func TestRenewTokenWithTheRightSecret(t *testing.T) {
	t.Parallel()
	sim, _, _ := spendSim(t, metasim.Book{})
	both := clientOf(t, sim.URL(), sim.AppID(), "old-secret", simSecret)
	_, result := both.RenewToken(t.Context(), tokenOf(inbox.TokenFacebookLong, adToken))
	require.Equal(t, job.Succeed, result.Verdict, result.Detail)
	for _, client := range []*meta.Client{clientOf(t, sim.URL(), sim.AppID(), "wrong"), clientOf(t, sim.URL(), "1", simSecret), clientOf(t, sim.URL(), "")} {
		_, result = client.RenewToken(t.Context(), tokenOf(inbox.TokenFacebookLong, adToken))
		require.Equal(t, [2]any{job.Fail, job.ClassConfig}, [2]any{result.Verdict, result.Class})
		_, result = client.InspectToken(t.Context(), tokenOf(inbox.TokenFacebookLong, adToken).Channel, adToken, inbox.TokenFacebookLong)
		require.Equal(t, job.ClassConfig, result.Class)
	}
}

// Every recorded answer of the token endpoints through the whole client, those
// included that only mean something against our app and the channel.
func TestTokenFixtures(t *testing.T) {
	t.Parallel()
	channel := inbox.Channel{Kind: inbox.WhatsApp, ExternalID: "120000000000201", BusinessID: "110000000000101"}
	seen := 0
	for _, f := range manifest(t, "response") {
		a := readAnswer(t, f)
		if f.product() != meta.Token || a.HTTP == nil {
			continue
		}
		seen++
		t.Run(testName(f.File), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(a.HTTP.Status)
				_, _ = w.Write(a.body())
			}))
			t.Cleanup(server.Close)
			client := clientOf(t, server.URL, "700000000000077", "secret")
			var result job.Result
			if isDebug(a.body()) {
				_, result = client.InspectToken(t.Context(), channel, "EAAJx", inbox.TokenSystemUser)
			} else {
				_, result = client.RenewToken(t.Context(), tokenOf(inbox.TokenFacebookLong, "EAAJx"))
			}
			require.Equal(t, f.Class, string(result.Class), result.Detail)
		})
	}
	require.Greater(t, seen, 25)
}

func isDebug(body []byte) bool {
	var answer struct {
		Data *struct{} `json:"data"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.Data != nil
}

func TestIssuedLives(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]time.Duration{
		"res_fb_exchange_ok": 5183944 * time.Second, "res_fb_exchange_expires_in_string": 5183944 * time.Second,
		"res_fb_exchange_short_lifetime": time.Hour, "res_ig_refresh_ok": 5184000 * time.Second, "res_fb_exchange_no_expires_in": 0,
	} {
		a := readAnswer(t, fixture{File: "token/" + name + ".json"})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(a.body()) }))
		issued, result := clientOf(t, server.URL, "1", "s").RenewToken(t.Context(), tokenOf(inbox.TokenFacebookLong, "EAAJx"))
		server.Close()
		require.Equal(t, job.Succeed, result.Verdict)
		if want == 0 {
			require.Zero(t, issued.ExpiresAt, "absent is not the year 1970")
			continue
		}
		require.WithinDuration(t, time.Now().Add(want), issued.ExpiresAt, time.Minute, name)
	}
}

// Neither token nor secret may come back in what is logged and stored,
// whatever the provider repeats in its answer.
func TestNothingSecretInDetails(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":{"code":100,"message":%q}}`, "cannot use "+r.URL.String()+r.Header.Get("Authorization"))
	}))
	client := clientOf(t, server.URL, "1", "app-secret-value")
	present := tokenOf(inbox.TokenFacebookLong, "channel/token-value")
	account := inbox.SpendAccount{Channel: present.Channel, Token: "channel/token-value"}
	check := func(r job.Result) {
		require.NotEqual(t, job.Succeed, r.Verdict)
		require.NotContains(t, r.Detail, "token-value")
		require.NotContains(t, r.Detail, "secret-value")
	}
	all := func() {
		_, r := client.RenewToken(t.Context(), present)
		check(r)
		_, r = client.InspectToken(t.Context(), present.Channel, present.Token, present.Kind)
		check(r)
		_, r = client.Insights(t.Context(), account, fourDays())
		check(r)
		insta := tokenOf(inbox.TokenInstagramLong, "channel/token-value")
		_, r = client.RenewToken(t.Context(), insta)
		check(r)
	}
	all()
	server.Close()
	all() // the transport's errors name the URL
}
