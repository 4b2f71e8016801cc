package dev

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// TestCastIsTheSameInEveryRun: a kept data directory goes on with it.
func TestCastIsTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	names := func() (all []string) {
		for _, o := range newCast("secret") {
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

// TestSameSeedSamePlay: a run that found a fault must be repeatable.
func TestSameSeedSamePlay(t *testing.T) {
	t.Parallel()
	play := func(seed uint64) (all []string) {
		s := newScript(seed, newCast("secret"))
		for i := range 500 {
			c := s.customer()
			a := s.answer(i, c)
			require.LessOrEqual(t, a.think, 8*time.Second)
			require.Same(t, c, a.customer)
			all = append(all, c.address(), a.agent.name, a.think.String())
		}
		b := s.bulk()
		require.Equal(t, metasim.WhatsApp, b.customer.channel.account.Kind, "only WhatsApp has templates")
		require.Nil(t, b.agent)
		return append(all, b.customer.address())
	}
	require.Empty(t, cmp.Diff(play(7), play(7)))
	require.NotEmpty(t, cmp.Diff(play(7), play(8)))
}

// TestGreetingIsUnderstood sends what we would post through the real parser:
// every customer must become known, and no SLA clock start.
func TestGreetingIsUnderstood(t *testing.T) {
	t.Parallel()
	o := newCast("secret")[0]
	for _, ch := range o.channels {
		var own []*customer
		for _, c := range o.customers {
			if c.channel == ch {
				own = append(own, c)
			}
		}
		raw, err := json.Marshal(greeting(ch, own, time.Now()))
		require.NoError(t, err)
		batch := meta.Parse(raw)
		require.Empty(t, batch.Unusable, string(ch.account.Kind))
		require.Len(t, batch.Inbound, len(own))
		for _, m := range batch.Inbound {
			require.False(t, m.Kind.StartsClock())
			require.True(t, m.Kind.OpensWindow())
		}
	}
}
