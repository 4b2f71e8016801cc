package adminapi_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
)

type endpoint struct {
	method, path string
	role         admin.Role
}

// operations reads every route, and the role it needs, from the description
// the server gives of itself.
func operations(t *testing.T, server string) (all []endpoint) {
	t.Helper()
	_, body := do(t, server, http.MethodGet, admin.OpenAPIPath, "viewer", "", nil)
	var doc struct {
		Paths map[string]map[string]struct {
			Description string `json:"description"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(body, &doc))
	for path, methods := range doc.Paths {
		for method, op := range methods {
			words := strings.Fields(strings.TrimSuffix(op.Description, "."))
			all = append(all, endpoint{strings.ToUpper(method), strings.NewReplacer("queues/{id}", "queues/whatsapp", "orgs/{id}", "orgs/acme", "{id}", "10").Replace(path), admin.Role(words[len(words)-1])})
		}
	}
	require.GreaterOrEqual(t, len(all), 14)
	return all
}

func do(t *testing.T, server, method, path, token, body string, header http.Header) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for name, values := range header {
		req.Header[name] = values
		if name == "Host" {
			req.Host = values[0]
		}
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("Content-Type") == "text/event-stream" { // it does not end by itself
		first, err := bufio.NewReader(resp.Body).ReadBytes('\n')
		require.NoError(t, err)
		return resp.StatusCode, first
	}
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, raw
}

// Nobody may do on TCP what their role does not allow, and a body is not even
// looked at before that is known: the bodies sent here are not JSON.
func TestEveryRouteChecksTheRole(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	for _, op := range operations(t, server) {
		for _, token := range []string{"", "nonsense", "viewer", "operator", "admin"} {
			t.Run(op.method+op.path+" as "+token, func(t *testing.T) {
				t.Parallel()
				server := server
				if token == "nonsense" { // of its own: several of these are locked out
					server = onTCP(t, newHandler(t, newFake()))
				}
				status, body := do(t, server, op.method, op.path, token, "}{", nil)
				switch {
				case token == "" || token == "nonsense":
					require.Equal(t, http.StatusUnauthorized, status)
				case !admin.Role(token).Allows(op.role):
					require.Equal(t, http.StatusForbidden, status)
				case op.method == http.MethodGet:
					require.Equal(t, http.StatusOK, status)
				default:
					require.Equal(t, http.StatusBadRequest, status, "the role is enough, the body is not JSON")
				}
				if status != http.StatusOK {
					var p admin.Problem
					require.NoError(t, json.Unmarshal(body, &p))
					require.Equal(t, status, p.Status)
					require.NotEmpty(t, p.Code)
				}
			})
		}
	}
}

// Whoever can open the socket is admin; a token given there makes the caller
// less, never more.
func TestSocketNeedsNoToken(t *testing.T) {
	t.Parallel()
	server := onSocket(t, newHandler(t, newFake()))
	_, err := as(t, server, "").AddOrg(t.Context(), admin.OrgAdd{Name: "initech"})
	require.NoError(t, err)
	_, err = as(t, server, "viewer").AddOrg(t.Context(), admin.OrgAdd{Name: "hooli"})
	require.Equal(t, admin.Forbidden, admin.KindOf(err))
	_, err = as(t, server, "nonsense").Orgs(t.Context(), "", admin.Page{})
	require.Equal(t, admin.Unauthorized, admin.KindOf(err))
}

// A token bound to one org must not learn that others exist.
func TestBoundTokenSeesItsOrgOnly(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	bound := as(t, server, "@admin")

	orgs, err := bound.Orgs(t.Context(), "", admin.Page{})
	require.NoError(t, err)
	require.Len(t, orgs.Items, 1)
	jobs, err := bound.Jobs(t.Context(), admin.Selector{}, admin.Page{})
	require.NoError(t, err)
	require.Len(t, jobs.Items, 2)
	status, err := bound.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(1), status.Item.Queues[0].Ready)

	for name, err := range map[string]error{
		"JobsOfOrg":  second(bound.Jobs(t.Context(), admin.Selector{Org: []string{"globex"}}, admin.Page{})),
		"Job":        second(bound.Job(t.Context(), "12")),
		"Users":      second(bound.Users(t.Context(), "globex")),
		"Channels":   second(bound.Channels(t.Context(), "globex")),
		"AddUser":    second(bound.AddUser(t.Context(), admin.UserAdd{Name: "x", Org: "globex"})),
		"RetryByID":  second(bound.RetryJobs(t.Context(), admin.RetryRequest{Selector: admin.Selector{IDs: []string{"12"}}})),
		"Token":      second(bound.CreateToken(t.Context(), admin.TokenCreate{Org: "globex"})),
		"SelectUser": second(bound.Jobs(t.Context(), admin.Selector{User: []string{"erin"}}, admin.Page{})),
	} {
		require.Equal(t, admin.NotFound, admin.KindOf(err), name)
		require.NotContains(t, err.Error(), "mean", name)
	}
	require.Equal(t, admin.Forbidden, admin.KindOf(second(bound.AddOrg(t.Context(), admin.OrgAdd{Name: "x"}))))
	require.Equal(t, admin.Forbidden, admin.KindOf(second(bound.CreateToken(t.Context(), admin.TokenCreate{Role: admin.Viewer}))))

	_, err = bound.RetryJobs(t.Context(), admin.RetryRequest{All: true})
	require.NoError(t, err)
	require.Equal(t, []int64{1}, f.filters[0].OrgIDs, "all means all of its own org")
}

func second[T any](_ T, err error) error { return err }

// A page in a browser must not be able to reach the API, not even through a
// host name bound to 127.0.0.1.
func TestBrowsersAreRefused(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	port := ":" + mustPort(t, server)
	for name, c := range map[string]struct {
		header http.Header
		want   int
	}{
		"Plain":      {nil, http.StatusOK},
		"Localhost":  {http.Header{"Host": {"localhost" + port}}, http.StatusOK},
		"IPv6":       {http.Header{"Host": {"[::1]" + port}}, http.StatusOK},
		"Origin":     {http.Header{"Origin": {"null"}}, http.StatusForbidden},
		"SecFetch":   {http.Header{"Sec-Fetch-Site": {"same-origin"}}, http.StatusForbidden},
		"Referer":    {http.Header{"Referer": {"http://x.test/"}}, http.StatusForbidden},
		"Rebound":    {http.Header{"Host": {"evil.test" + port}}, http.StatusForbidden},
		"LookALike":  {http.Header{"Host": {"127.0.0.1.evil.test"}}, http.StatusForbidden},
		"EmptyHosts": {http.Header{"Host": {"localhost."}}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := do(t, server, http.MethodGet, admin.StatusPath, "admin", "", c.header)
			require.Equal(t, c.want, status, string(body))
		})
	}
}

func mustPort(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(u.Host)
	require.NoError(t, err)
	return port
}

// What is malformed is refused with a sentence, and changes nothing.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	big := `{"name":"` + strings.Repeat("x", admin.MaxBody) + `"}`
	form := http.Header{"Content-Type": {"text/plain"}}
	for name, c := range map[string]struct {
		method, path, body string
		header             http.Header
		status             int
		code               string
	}{
		"NotJSON":       {"POST", admin.OrgsPath, `{`, nil, 400, "bad_json"},
		"TwoValues":     {"POST", admin.OrgsPath, `{"name":"a"}{}`, nil, 400, "bad_json"},
		"UnknownField":  {"POST", admin.RetryPath, `{"all":true,"max":5}`, nil, 400, "bad_json"},
		"ContentType":   {"POST", admin.OrgsPath, `{"name":"a"}`, form, 400, "content_type"},
		"TooLarge":      {"POST", admin.OrgsPath, big, nil, 400, "body_too_large"},
		"LongReason":    {"POST", admin.OrgsPath, `{"name":"a","reason":"` + strings.Repeat("x", 501) + `"}`, nil, 400, "bad_reason"},
		"UnknownParam":  {"GET", admin.JobsPath + "?orgs=acme", "", nil, 400, "unknown_parameter"},
		"State":         {"GET", admin.JobsPath + "?state=ded", "", nil, 400, "unknown_state"},
		"Type":          {"GET", admin.JobsPath + "?type=x", "", nil, 400, "unknown_type"},
		"Error":         {"GET", admin.JobsPath + "?error=nonsense", "", nil, 400, "unknown_error_class"},
		"Queue":         {"GET", admin.JobsPath + "?queue=whatsap", "", nil, 404, "unknown_queue"},
		"Org":           {"GET", admin.JobsPath + "?org=acmee", "", nil, 404, "org_not_found"},
		"User":          {"GET", admin.JobsPath + "?user=dan", "", nil, 404, "user_not_found"},
		"Since":         {"GET", admin.JobsPath + "?since=yesterday", "", nil, 400, "bad_selector"},
		"Older":         {"GET", admin.JobsPath + "?older_than_ms=-1", "", nil, 400, "bad_selector"},
		"Limit":         {"GET", admin.JobsPath + "?limit=100000", "", nil, 400, "bad_limit"},
		"Cursor":        {"GET", admin.JobsPath + "?cursor=x", "", nil, 400, "bad_cursor"},
		"ID":            {"GET", admin.JobsPath + "/x", "", nil, 400, "bad_id"},
		"NoJob":         {"GET", admin.JobsPath + "/999", "", nil, 404, "job_not_found"},
		"Path":          {"GET", admin.BasePath + "/x", "", nil, 404, "unknown_path"},
		"Root":          {"GET", "/", "", nil, 404, "unknown_path"},
		"Method":        {"DELETE", admin.OrgsPath, "", nil, 405, "method"},
		"OrgName":       {"POST", admin.OrgsPath, `{"name":"Acme"}`, nil, 400, "bad_name"},
		"OrgTaken":      {"POST", admin.OrgsPath, `{"name":"acme"}`, nil, 409, "org_exists"},
		"Zone":          {"POST", admin.OrgsPath, `{"name":"a","time_zone":"Local"}`, nil, 400, "bad_time_zone"},
		"Target":        {"POST", admin.OrgsPath, `{"name":"a","sla_target_ms":-5}`, nil, 400, "bad_sla_target"},
		"Objective":     {"POST", admin.OrgsPath, `{"name":"a","sla_objective":80}`, nil, 400, "bad_sla_objective"},
		"UserNoOrg":     {"POST", admin.UsersPath, `{"name":"a"}`, nil, 400, "no_org"},
		"UserOrg":       {"POST", admin.UsersPath, `{"name":"a","org":"acmee"}`, nil, 404, "org_not_found"},
		"ChannelKind":   {"POST", admin.ChannelsPath, `{"org":"acme","kind":"whatsap","external_id":"1","token":"t"}`, nil, 400, "unknown_kind"},
		"ChannelID":     {"POST", admin.ChannelsPath, `{"org":"acme","kind":"whatsapp","external_id":"1 2","token":"t"}`, nil, 400, "bad_external_id"},
		"ChannelWABA":   {"POST", admin.ChannelsPath, `{"org":"acme","kind":"whatsapp","external_id":"1","business_id":"/","token":"t"}`, nil, 400, "bad_business_id"},
		"ChannelToken":  {"POST", admin.ChannelsPath, `{"org":"acme","kind":"whatsapp","external_id":"1","token":"a b"}`, nil, 400, "bad_token"},
		"TokenNobody":   {"POST", admin.TokensPath, `{}`, nil, 400, "no_org"},
		"TokenRole":     {"POST", admin.TokensPath, `{"role":"root"}`, nil, 400, "unknown_role"},
		"TokenBoth":     {"POST", admin.TokensPath, `{"role":"viewer","org":"acme","user":"dana"}`, nil, 400, "role_and_user"},
		"TokenUser":     {"POST", admin.TokensPath, `{"org":"acme","user":"erin"}`, nil, 404, "user_not_found"},
		"TokenForever":  {"POST", admin.TokensPath, `{"role":"viewer","expires_in_ms":7776000001}`, nil, 400, "bad_expiry"},
		"TokenEndless":  {"POST", admin.TokensPath, `{"role":"viewer","expires_in_ms":9223372036854775807}`, nil, 400, "bad_expiry"},
		"TokenNoOrg":    {"POST", admin.TokensPath, `{"role":"viewer","user":"dana"}`, nil, 400, "role_and_user"},
		"TargetWraps":   {"POST", admin.OrgsPath, `{"name":"a","sla_target_ms":4611686018427447904}`, nil, 400, "bad_sla_target"},
		"RetryOlder":    {"POST", admin.RetryPath, `{"selector":{"older_than_ms":-1}}`, nil, 400, "bad_selector"},
		"RetryNothing":  {"POST", admin.RetryPath, `{}`, nil, 400, "empty_selector"},
		"RetryState":    {"POST", admin.RetryPath, `{"selector":{"state":["uncertain"]}}`, nil, 400, "not_dead"},
		"RetryMissing":  {"POST", admin.RetryPath, `{"selector":{"ids":["10","998","999"]}}`, nil, 404, "job_not_found"},
		"RetryNotDead":  {"POST", admin.RetryPath, `{"selector":{"ids":["11"]}}`, nil, 409, "not_dead"},
		"RetryDoubtful": {"POST", admin.RetryPath, `{"selector":{"ids":["12"]}}`, nil, 409, "not_dead"},
		"RetryManyIDs":  {"POST", admin.RetryPath, `{"selector":{"ids":[` + ids(1001) + `]}}`, nil, 400, "too_many_ids"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := do(t, server, c.method, c.path, "admin", c.body, c.header)
			var p admin.Problem
			require.NoError(t, json.Unmarshal(body, &p), string(body))
			require.Equal(t, c.status, status, p.Detail)
			require.Equal(t, c.code, p.Code, p.Detail)
			require.NotEmpty(t, p.Detail)
		})
	}
	t.Cleanup(func() {
		require.Len(t, f.orgs, 2)
		require.Empty(t, f.channels)
		require.Empty(t, f.made)
		require.Empty(t, f.filters)
	})
}

func ids(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = `"` + strconv.Itoa(i+1) + `"`
	}
	return strings.Join(words, ",")
}

// Headers are bounded before anybody is asked who calls.
func TestLargeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	status, _ := do(t, server, http.MethodGet, admin.StatusPath, "admin", "", http.Header{"X-Long": {strings.Repeat("x", 32<<10)}})
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, status)
}

// New says at start what is missing, instead of failing at the first request.
func TestNewNeedsItsParts(t *testing.T) {
	t.Parallel()
	_, err := adminapi.New(adminapi.Options{})
	require.ErrorContains(t, err, "required")
}
