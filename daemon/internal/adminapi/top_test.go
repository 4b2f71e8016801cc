package adminapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
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
