package adminapi_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// Whoever asks why must get everything that was found, in its order, and nothing
// of another org.
func TestWhy(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	got, err := as(t, server, "viewer").Why(t.Context(), "11")
	require.NoError(t, err)
	require.Equal(t, "job_why", got.Kind)
	require.Empty(t, cmp.Diff(admin.JobWhy{ID: "11", Org: "acme", State: "ready", Causes: []admin.Cause{
		{
			Code: "org_hold", Holds: true, Who: new("local:0"), Since: new(day), Until: new(day.Add(time.Hour)), Text: "acme is paused",
			Command: new("inboxctl orgs resume acme --hold 7"),
		},
		{Code: "turn", Text: "it is the next of its org"},
	}}, got.Item))
	_, err = as(t, server, "@viewer").Why(t.Context(), "12")
	require.Equal(t, admin.NotFound, admin.KindOf(err))
}

// A number that is only a lower bound must not look exact, and nothing chosen by
// a signature must be lost on the way.
func TestCountAndGroups(t *testing.T) {
	t.Parallel()
	f := newFake()
	client := as(t, onSocket(t, newHandler(t, f)), "")
	all, err := client.CountJobs(t.Context(), admin.Selector{State: []string{"done"}}, "")
	require.NoError(t, err)
	require.Equal(t, []admin.JobCount{{Name: new("all"), N: 200_000, AtLeast: true}}, all.Items)
	by, err := client.CountJobs(t.Context(), admin.Selector{}, "org")
	require.NoError(t, err)
	require.Equal(t, []admin.JobCount{{Name: new("acme"), N: 2}, {N: 1}}, by.Items)
	_, err = client.CountJobs(t.Context(), admin.Selector{}, "orgs")
	require.ErrorContains(t, err, "did you mean org?")

	var sigs []string
	for page := (admin.Page{Limit: 1}); ; {
		groups, err := client.ErrorGroups(t.Context(), admin.Selector{Sig: []string{"3fa91c07"}}, page)
		require.NoError(t, err)
		for _, g := range groups.Items {
			sigs = append(sigs, g.Sig)
		}
		if groups.Next == nil {
			break
		}
		page.Cursor = *groups.Next
	}
	require.Equal(t, []string{"3fa91c07", "0a000000", "0b000000"}, sigs)
	require.Equal(t, []string{"3fa91c07"}, f.filters[len(f.filters)-1].Sigs)
	for _, s := range []admin.Selector{{Sig: []string{"nonsense"}}, {Sig: []string{"3fa91c07"}, State: []string{"done"}}} {
		_, err = client.Jobs(t.Context(), s, admin.Page{})
		require.Equal(t, admin.Invalid, admin.KindOf(err), "%v", s)
	}
}

// A live view must show each thing once and in order, over looks that overlap,
// stay open longer than a request may take to arrive, and not hold up the end of
// the server.
func TestEventsAreFollowed(t *testing.T) {
	t.Parallel()
	f := newFake()
	h := newHandler(t, f)
	s := httptest.NewUnstartedServer(h)
	s.Config = adminapi.NewServer(h, f.options().Logger)
	s.Config.ReadTimeout = 500 * time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	client := as(t, s.URL, "@viewer")
	var ids []string
	enough := errors.New("enough")
	err := client.FollowEvents(t.Context(), admin.EventFilter{}, func(e admin.Event) error {
		if ids = append(ids, e.ID); len(ids) == 4 {
			return enough
		}
		return nil
	})
	require.ErrorIs(t, err, enough)
	require.Equal(t, []string{"a1", "j10.x", "j10.xx", "j10.xxx"}, ids)
	unlock := f.lock()
	require.True(t, slices.ContainsFunc(f.feeds, func(x inspect.FeedFilter) bool { return slices.Equal(x.OrgIDs, []int64{1}) }), "a caller bound to an org sees the past of that org")
	unlock()

	ended := make(chan error, 1)
	first := make(chan struct{}, 100)
	go func() {
		ended <- client.FollowEvents(t.Context(), admin.EventFilter{}, func(admin.Event) error { first <- struct{}{}; return nil })
	}()
	<-first
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, s.Config.Shutdown(ctx))
	require.Equal(t, admin.Unreachable, admin.KindOf(<-ended))
}

// The list of events ends by itself.
func TestEventsAreListed(t *testing.T) {
	t.Parallel()
	f := newFake()
	client := as(t, onSocket(t, newHandler(t, f)), "")
	got, err := client.Events(t.Context(), admin.EventFilter{Queue: []string{"whatsapp"}}, admin.Page{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"limits.set", inspect.EventDead}, []string{got.Items[0].Event, got.Items[1].Event}, "the newest last, as they are followed")
	require.Equal(t, "send_text 120/min for 2h, weight 2: sale", *got.Items[0].Text)
	require.Equal(t, "b:4242", *got.Items[1].Process)
	older, err := client.Events(t.Context(), admin.EventFilter{}, admin.Page{Cursor: *got.Next})
	require.NoError(t, err)
	require.Len(t, older.Items, 1)
	require.Nil(t, older.Next)
	old := day.Add(-48 * time.Hour)
	for _, x := range []admin.EventFilter{{Since: &old}, {Until: &old}} {
		_, err = client.Events(t.Context(), x, admin.Page{})
		require.Equal(t, admin.Invalid, admin.KindOf(err), x)
	}
	_, err = client.Events(t.Context(), admin.EventFilter{}, admin.Page{Cursor: "4711"})
	require.Equal(t, admin.Invalid, admin.KindOf(err))
	require.Equal(t, admin.Invalid, admin.KindOf(client.FollowEvents(t.Context(), admin.EventFilter{Until: &old}, nil)))
}
