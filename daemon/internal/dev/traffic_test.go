package dev

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

func TestPaceKeepsItsSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 9995*time.Millisecond)
		defer cancel()
		began := time.Now()
		n := pace(ctx, 100, func(i int) {
			due := time.Duration(i) * 10 * time.Millisecond
			require.GreaterOrEqual(t, time.Since(began)+time.Microsecond, due)
			if i == 100 {
				wait(t.Context(), 3*time.Second) // a slow moment must not lower the rate
			}
		})
		require.Equal(t, 1000, n)
		require.Equal(t, 9995*time.Millisecond, time.Since(began))
	})
}

func TestPaceWithoutRateWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.Zero(t, pace(ctx, 0, func(int) { t.Error("called") }))
	})
}

// TestSameSeedSameWorkload: a run that found a fault must be repeatable.
func TestSameSeedSameWorkload(t *testing.T) {
	t.Parallel()
	drawn := func(seed uint64) (all []string) {
		w := newWorkload(seed, newOrgs("secret"))
		for i := range 500 {
			c := w.customer()
			a := w.answer(i, c)
			require.LessOrEqual(t, a.think, 8*time.Second)
			require.Same(t, c, a.customer)
			all = append(all, c.address(), a.agent.name, a.think.String())
		}
		b := w.bulk()
		require.Equal(t, metasim.WhatsApp, b.customer.channel.account.Kind, "only WhatsApp has templates")
		require.Nil(t, b.agent)
		return append(all, b.customer.address())
	}
	require.Empty(t, cmp.Diff(drawn(7), drawn(7)))
	require.NotEmpty(t, cmp.Diff(drawn(7), drawn(8)))
}
