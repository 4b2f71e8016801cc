package admin_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// Hours are read as they are written, so that what show prints can be given to
// set.
func TestHoursText(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"mon-fri 09:00-18:00, sat 10:00-14:00":            "",
		"mon 09:00-12:00, mon 13:00-18:00":                "",
		"fri-mon 22:00-02:00":                             "mon 22:00-02:00, fri-sun 22:00-02:00",
		"MON 00:00-24:00":                                 "mon 00:00-24:00",
		"mon 09:00-18:00,tue 09:00-18:00,wed 09:00-18:00": "mon-wed 09:00-18:00",
	} {
		hours, err := admin.ParseHours(raw)
		require.NoError(t, err)
		if want == "" {
			want = raw
		}
		require.Equal(t, want, admin.HoursText(hours))
		again, err := admin.ParseHours(admin.HoursText(hours))
		require.NoError(t, err)
		require.Equal(t, hours, again)
	}
	require.Equal(t, "always", admin.HoursText(nil))
	require.Equal(t, "never", admin.HoursText(map[string][]admin.SLAInterval{}))
	for _, raw := range []string{"", "mon", "mon 9-18", "someday 09:00-18:00", "mon 09:00-18:00 x", "mon-fri 09:00"} {
		_, err := admin.ParseHours(raw)
		require.Equal(t, admin.Invalid, admin.KindOf(err), raw)
	}
}

// 79.99 % is not 80 %.
func TestShareTextNeverRoundsUp(t *testing.T) {
	t.Parallel()
	for want, share := range map[string]float64{"79.9%": 0.7999, "80.0%": 0.8, "100.0%": 1, "99.9%": 0.99999, "0.0%": 0, "81.3%": 0.813} {
		require.Equal(t, want, admin.ShareText(&share))
	}
	require.Equal(t, "–", admin.ShareText(nil))
}
