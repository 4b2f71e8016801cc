package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// A limit that is read otherwise than it was meant lets an org send sixty times
// too much, or nothing: what is not clear is refused with what would be.
func TestParseLimit(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct {
		n      int
		window time.Duration
	}{
		"120/min": {120, time.Minute}, "2/s": {2, time.Second}, "5000/h": {5000, time.Hour}, "0/min": {0, time.Minute}, "1000000/s": {1_000_000, time.Second},
	} {
		n, window, err := admin.ParseLimit("send_text", raw)
		require.NoError(t, err, raw)
		require.Equal(t, []any{want.n, want.window}, []any{n, window})
		ms := window.Milliseconds()
		require.Equal(t, raw, admin.LimitText(&n, &ms), "what is shown can be set")
	}
	for _, raw := range []string{"", "120", "/min", "120/", "120/day", "120/10s", "-1/min", "1.5/s", "1000001/s", "120 / min", "+1/x", "1/min/s"} {
		_, _, err := admin.ParseLimit("send_text", raw)
		require.Equal(t, admin.Invalid, admin.KindOf(err), raw)
	}
	for name, raws := range map[string][]string{"weight": {"0", "11", "2/s", ""}, "concurrency": {"0", "10001", "x"}} {
		for _, raw := range raws {
			_, _, err := admin.ParseLimit(name, raw)
			require.ErrorContains(t, err, "use a whole number from 1 to", raw)
		}
	}
	n, window, err := admin.ParseLimit("concurrency", "20")
	require.NoError(t, err)
	require.Equal(t, []any{20, time.Duration(0)}, []any{n, window})
	require.Equal(t, []string{"none", "20"}, []string{admin.LimitText(nil, nil), admin.LimitText(&n, nil)})
}
