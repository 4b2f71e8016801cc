package metasim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// get is a call that is no send.
func get(t *testing.T, sim *metasim.Sim, method, path, token, body string) (status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, sim.URL()+path, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// Other processes set up an ad account as tests do.
func TestBookOverHTTP(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{AppSecret: secret})
	const book = `{"time_zone":"Asia/Tokyo","rows":[{"campaign_id":"1","campaign_name":"n","day":"2026-10-01","spend":"1","currency":"JPY","impressions":1,"clicks":1}]}`
	require.Equal(t, http.StatusNoContent, get(t, sim, http.MethodPut, "/sim/accounts/"+adAccount+"/book", "", book))
	require.Equal(t, http.StatusBadRequest, get(t, sim, http.MethodPut, "/sim/accounts/"+number+"/book", "", book), "a number has no book")
	require.Equal(t, http.StatusBadRequest, get(t, sim, http.MethodPut, "/sim/accounts/"+adAccount+"/book", "", `{"page_rows":-1}`))
	ask := "/v26.0/act_" + adAccount + `/insights?level=campaign&time_increment=1&time_range={"since":"2026-10-01","until":"2026-10-02"}`
	ask = strings.ReplaceAll(ask, `"`, "%22")
	require.Equal(t, http.StatusOK, get(t, sim, http.MethodGet, ask, adToken, ""))
	require.Equal(t, []string{"2026-10-01..2026-10-02"}, sim.Asked(adAccount))
	require.NotEqual(t, http.StatusOK, get(t, sim, http.MethodGet, ask, waToken, ""), "another account's token")
	require.NotEqual(t, http.StatusOK, get(t, sim, http.MethodGet, strings.Replace(ask, "campaign", "account", 1), adToken, ""))
	require.NotEqual(t, http.StatusOK, get(t, sim, http.MethodGet, "/v26.0/nothing", adToken, ""))
}

// A token lives as it was told: sends and reads alike.
func TestTokenLives(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{AppSecret: secret})
	for _, life := range []metasim.TokenLife{{Revoked: true}, {ExpiresAt: time.Now().Add(-time.Second)}} {
		sim.SetTokenLife(waToken, life)
		require.Equal(t, "190", errorCode(t, do(t, sim, waText("1.1")).body))
	}
	sim.SetTokenLife(waToken, metasim.TokenLife{ExpiresAt: time.Now().Add(time.Hour)})
	require.Equal(t, http.StatusOK, do(t, sim, waText("1.1")).status)
}

// A rule without a type is about sends, one of a read about that read.
func TestRulesOfReads(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{AppSecret: secret})
	addRule(t, sim, metasim.Rule{Effect: metasim.Answer, Fixture: busy})
	addRule(t, sim, metasim.Rule{Type: "me", Effect: metasim.Answer, Fixture: "token/err_2_temporary", Next: 1})
	require.Equal(t, http.StatusServiceUnavailable, get(t, sim, http.MethodGet, "/v26.0/me", igToken, ""))
	require.Equal(t, http.StatusOK, get(t, sim, http.MethodGet, "/v26.0/me", igToken, ""))
	require.NotEqual(t, http.StatusOK, do(t, sim, igText("1.1")).status)
	for _, bad := range []metasim.Rule{
		{Type: "insight", Effect: metasim.Delay, DelayMS: 1},
		{Type: "insights", Effect: metasim.CutBody},
		{Type: "renewal", Effect: metasim.FailLater, Fixture: busy},
	} {
		_, err := sim.AddRule(bad)
		require.Error(t, err)
	}
}
