package limit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/limit"
)

// An unused token is returned by its stamp or not at all. Whoever returned
// "some tokens" would free somebody else's after the window was lost, or its
// own twice, and more would leave than the limit allows.
func TestDesign3TokensGoBackByTheirStamp(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]limit.Options{
		"Redis": {Address: realRedis(t)}, "Imitation": {Address: imitation(t)}, "Local": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := start(t, limit.Patient(o))
			l.Open(t.Context())
			mine := want(1, perMinute(10), 3)
			unused := eventually(t, l, mine)
			require.Equal(t, 3, unused.N)
			require.Equal(t, 3, l.Take(t.Context(), want(1, perMinute(10), 3))[0].N, "somebody else's")
			for range 3 {
				l.Return(t.Context(), mine, []job.Grant{unused}, []int{3})
			}
			require.Equal(t, 7, l.Take(t.Context(), want(1, perMinute(10), 10))[0].N, "three came back, once")
			l.Return(t.Context(), mine, []job.Grant{{N: 3, Stamp: unused.Stamp + 1}}, []int{3})
			require.Zero(t, l.Take(t.Context(), want(1, perMinute(10), 1))[0].N, "a stamp nobody has")
		})
	}
}
