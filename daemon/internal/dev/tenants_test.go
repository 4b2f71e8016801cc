package dev

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// TestOrgsAreTheSameInEveryRun: a kept data directory goes on with it.
func TestOrgsAreTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	names := func() (all []string) {
		for _, o := range newOrgs("secret") {
			for _, ch := range o.channels {
				all = append(all, ch.account.ID, ch.account.Token)
			}
			for _, c := range o.customers {
				all = append(all, c.channel.account.ID+c.address())
			}
		}
		return all
	}
	first := names()
	require.Empty(t, cmp.Diff(first, names()))
	seen := map[string]bool{}
	for _, name := range first {
		require.False(t, seen[name], "%s twice", name)
		seen[name] = true
	}
	require.GreaterOrEqual(t, len(first), 1000)
}

// TestGreetingIsUnderstood sends greetings through the real parser: every
// customer must become known, and no SLA clock start.
func TestGreetingIsUnderstood(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	known := map[string]int{}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		batch := meta.Parse(raw)
		mu.Lock()
		defer mu.Unlock()
		if err != nil || len(batch.Unusable) > 0 {
			t.Errorf("unusable: %v %v", err, batch.Unusable)
		}
		for _, m := range batch.Inbound {
			if m.Kind.StartsClock() || !m.Kind.OpensWindow() {
				t.Errorf("a %s is no greeting", m.Kind)
			}
			known[m.Contact.WaID+"/"+m.Contact.UserID]++
		}
	}))
	t.Cleanup(hook.Close)
	sim, err := metasim.New(metasim.Options{WebhookURL: hook.URL, AppSecret: "secret"})
	require.NoError(t, err)
	require.NoError(t, sim.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, sim.Stop(context.WithoutCancel(t.Context()))) })
	orgs := newOrgs("secret")
	require.NoError(t, register(sim, orgs))
	require.NoError(t, greet(t.Context(), sim, orgs))
	want := map[string]int{}
	for _, o := range orgs {
		for _, c := range o.customers {
			want[c.contact.WaID+"/"+c.contact.UserID]++
		}
	}
	require.Empty(t, cmp.Diff(want, known))
}
