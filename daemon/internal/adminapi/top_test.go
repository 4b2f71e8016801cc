package adminapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

func topAs(t *testing.T, server, token, query string) (top admin.Top, raw string) {
	t.Helper()
	status, body := do(t, server, http.MethodGet, admin.TopPath+query, token, "", nil)
	require.Equal(t, http.StatusOK, status, string(body))
	var answer admin.One[admin.Top]
	require.NoError(t, json.Unmarshal(body, &answer))
	return answer.Item, string(body)
}

// Whoever looks at the live picture sees all orgs and processes, or their own org
// and nothing of what the installation is made of.
func TestTopShowsWhatOneMaySee(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	all, _ := topAs(t, server, "viewer", "")
	require.NotEmpty(t, all.Queues)
	require.NotEmpty(t, all.Workers)
	require.Greater(t, len(all.Orgs), 1)
	require.Nil(t, all.Series)
	require.Equal(t, admin.Viewer, all.Role)

	own, raw := topAs(t, server, "@admin", "")
	require.Len(t, own.Orgs, 1)
	require.Empty(t, own.Workers)
	require.Zero(t, own.Vitals.Slots)
	for _, o := range all.Orgs {
		if o.Name != own.Orgs[0].Name {
			require.NotContains(t, strings.ToLower(raw), o.Name)
		}
	}
	for _, w := range all.Workers {
		require.NotContains(t, raw, `"`+w.Host+`"`)
	}
}

// A column that is always empty is worse than none: each field of a picture is
// filled from what is read anyway.
func TestTopFillsItsFields(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.sla.misses = []sla.Case{
		{Org: "acme", User: "dana", Who: sla.User, DueAt: day, Cause: sla.QueueWait},
		{Org: "acme", User: "dana", Who: sla.User, DueAt: day.Add(-time.Minute), Cause: sla.Hold},
		{Org: "acme", User: "dana", Who: sla.User, DueAt: day.Add(-time.Hour), Cause: sla.Hold},
	}
	top, _ := topAs(t, onTCP(t, newHandler(t, f)), "viewer", "")
	require.Equal(t, &admin.TopName{Name: "acme", Share: 2.0 / 3}, top.Queues[0].TopOrg)
	require.NotNil(t, top.Queues[0].TopError)
	require.Equal(t, new("send_message"), top.Workers[0].Mostly)
	for _, o := range top.Orgs {
		if o.Name == "acme" {
			require.Equal(t, new(1.0), o.FairShare)
		}
	}
	for _, u := range top.Users {
		if u.Name == "dana" {
			require.Equal(t, new("hold"), u.Cause)
			require.True(t, u.LastMiss.Equal(day))
		}
	}
}

// However many ask, a second has one picture; the past comes when it is asked for.
func TestTopIsMadeOnceASecond(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	first, _ := topAs(t, server, "viewer", "")
	second, _ := topAs(t, server, "operator", "?series=10")
	require.Equal(t, first.Epoch, second.Epoch)
	require.LessOrEqual(t, second.Seq, first.Seq+1)
	require.NotNil(t, second.Series)
	for _, q := range second.Queues {
		require.NotEmpty(t, second.Series.Queues[q.ID].Ready)
	}
	status, body := do(t, server, http.MethodGet, admin.TopPath+"?series=x", "viewer", "", nil)
	require.Equal(t, http.StatusBadRequest, status, string(body))
}
