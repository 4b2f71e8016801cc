package adminapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

func orgsAs(t require.TestingT, server, token, prefix string, p admin.Page) admin.List[admin.Org] {
	client, err := admin.NewClient(admin.Options{Server: server, Token: token})
	require.NoError(t, err)
	l, err := client.Orgs(context.Background(), prefix, p)
	require.NoError(t, err)
	return l
}

func namesIn(l admin.List[admin.Org]) (names []string) {
	for _, o := range l.Items {
		names = append(names, o.Name)
	}
	return names
}

// inTrouble is a fake with orgs that are in each kind of trouble, and some in none.
func inTrouble() *fake {
	f := newFake()
	for id, name := range map[int64]string{3: "initech", 4: "umbrella", 5: "wayne", 6: "aperture"} {
		f.orgs = append(f.orgs, inbox.Org{ID: id, Name: name, TimeZone: "UTC", SLATarget: time.Minute, Objective: 0.8, CreatedAt: day})
	}
	late, later := 90*time.Second, 3*time.Minute
	f.loads = []inspect.OrgLoad{
		{OrgID: 3, Queue: job.WhatsApp, State: job.Ready, N: 1, Oldest: &late},
		{OrgID: 4, Queue: job.WhatsApp, State: job.Ready, N: 1, Oldest: &late},
		{OrgID: 4, Queue: job.Instagram, State: job.Ready, N: 1, Oldest: &later},
		{OrgID: 4, State: job.Uncertain, N: 2},
	}
	return f
}

// Whoever is woken asks which org is in trouble: that one must stand first, and
// each order says what it says, over all orgs and not over a page.
func TestOrgsComeInTheirOrder(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, inTrouble()))
	for sort, want := range map[string][]string{
		"":          {"umbrella", "initech", "globex", "acme", "aperture", "wayne"},
		"worst":     {"umbrella", "initech", "globex", "acme", "aperture", "wayne"},
		"name":      {"acme", "aperture", "globex", "initech", "umbrella", "wayne"},
		"ready":     {"acme", "umbrella", "initech", "aperture", "globex", "wayne"},
		"oldest":    {"umbrella", "initech", "acme", "aperture", "globex", "wayne"},
		"dead":      {"globex", "acme", "aperture", "initech", "umbrella", "wayne"},
		"uncertain": {"umbrella", "acme", "aperture", "globex", "initech", "wayne"},
	} {
		var got []string
		for next := ""; ; {
			page := orgsAs(t, server, "viewer", "", admin.Page{Sort: sort, Cursor: next, Limit: 1})
			got = append(got, namesIn(page)...)
			if page.Next == nil {
				break
			}
			require.Len(t, page.Items, 1)
			next = *page.Next
		}
		require.Equal(t, want, got, "order %q page by page", sort)
		require.Equal(t, want, namesIn(orgsAs(t, server, "viewer", "", admin.Page{Sort: sort})), "order %q", sort)
	}
	first := orgsAs(t, server, "viewer", "um", admin.Page{}).Items
	require.Len(t, first, 1)
	require.Equal(t, []any{new(int64(2)), new(int64(180_000)), new(int64(0)), new(int64(2))}, []any{first[0].Ready, first[0].OldestReadyMS, first[0].Dead, first[0].Uncertain})
	require.Equal(t, []string{"acme"}, namesIn(orgsAs(t, server, "@viewer", "", admin.Page{Sort: "dead"})), "of one org there is one")
	require.Empty(t, namesIn(orgsAs(t, server, "@viewer", "glo", admin.Page{})), "a prefix is one for that one too")
}

// A slip in an order or a cursor must not look like the end of the list.
func TestOrgsRefuseSlips(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	for query, want := range map[string]string{
		"?sort=deed":                    "did you mean dead?",
		"?sort=nonsense":                "use one of worst, name, ready, oldest, dead, uncertain",
		"?limit=0":                      "not a number from 1 to 1000",
		"?cursor=acme":                  "use next of the page before",
		"?cursor=1.x.a":                 "use next of the page before",
		"?cursor=worst.1.x.a":           "use next of the page before",
		"?sort=dead&cursor=worst.1.1.a": "goes on in the order worst, and this list has the order dead",
		"?cursor=1.1.A%20":              "use next of the page before",
	} {
		status, body := do(t, server, http.MethodGet, admin.OrgsPath+query, "viewer", "", nil)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, string(body), want, query)
	}
}

// What is not known is not 0: an org list without the ledger says so.
func TestOrgsOfUnknownLoad(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.lost = true
	l := orgsAs(t, onTCP(t, newHandler(t, f)), "viewer", "", admin.Page{})
	require.Equal(t, []string{"acme", "globex"}, namesIn(l))
	for _, o := range l.Items {
		require.Nil(t, o.Ready)
		require.Nil(t, o.Dead)
	}
}

// However many orgs have whatever to do, pages of any size hold each once.
func TestPagesOfOrgsHoldEachOnce(t *testing.T) {
	t.Parallel()
	f := inTrouble()
	server := onTCP(t, newHandler(t, f))
	orgsAs(t, server, "viewer", "", admin.Page{})
	rapid.Check(t, func(t *rapid.T) {
		sort := rapid.SampledFrom(admin.OrgSorts()).Draw(t, "sort")
		seen := map[string]bool{}
		for next := ""; ; {
			page := orgsAs(t, server, "viewer", "", admin.Page{Sort: sort, Cursor: next, Limit: rapid.SampledFrom([]int{1, 2, 3, 5, 100}).Draw(t, "limit")})
			for _, name := range namesIn(page) {
				require.False(t, seen[name], "%s comes twice", name)
				seen[name] = true
			}
			if page.Next == nil {
				break
			}
			next = *page.Next
		}
		require.Len(t, seen, 6)
	})
}

// BenchmarkOrgs is a page of fifty thousand orgs that all have something to do.
func BenchmarkOrgs(b *testing.B) {
	f := newFake()
	for id := int64(3); id <= 50_000; id++ {
		f.orgs = append(f.orgs, inbox.Org{ID: id, Name: "org" + strconv.FormatInt(id, 10), CreatedAt: day})
		f.loads = append(f.loads, inspect.OrgLoad{OrgID: id, State: job.Dead, N: 1 + id%977})
	}
	h, err := adminapi.New(f.options())
	require.NoError(b, err)
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	client, err := admin.NewClient(admin.Options{Server: server.URL, Token: "viewer", Timeout: time.Minute})
	require.NoError(b, err)
	for b.Loop() {
		l, err := client.Orgs(b.Context(), "", admin.Page{})
		require.NoError(b, err)
		require.Len(b, l.Items, 50)
	}
}
