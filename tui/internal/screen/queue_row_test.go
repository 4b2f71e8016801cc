package screen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// The question at three in the morning is whether it is getting better.
func TestDrains(t *testing.T) {
	t.Parallel()

	g := theme.New(theme.Options{}).Glyphs
	for _, tc := range []struct {
		name     string
		ready    int64
		in, done *float64
		want     string
	}{
		{"NothingReady", 0, new(5.0), new(5.0), "–"},
		{"NotKnown", 10, nil, new(5.0), "–"},
		{"LessThanASecondOfWork", 3, new(50.0), new(50.0), "<1s"},
		{"ArrivalsOutrunDepartures", 500, new(60.0), new(50.0), "never!"},
		{"Standstill", 500, new(0.0), new(0.0), "never!"},
		{"GettingBetter", 500, new(40.0), new(50.0), "50.0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := screen.Drains(admin.Queue{Ready: tc.ready, InPerS: tc.in, DonePerS: tc.done}, g)
			require.Equal(t, tc.want, got.Text)
		})
	}
}

// Unknown is not zero, and a P99 of a few samples is not a P99.
func TestRowSaysWhatIsNotKnown(t *testing.T) {
	t.Parallel()

	g := theme.New(theme.Options{}).Glyphs
	texts := func(q admin.Queue) []string {
		var all []string
		for _, cell := range screen.QueueRow(q, g).Cells {
			all = append(all, cell.Text)
		}
		return all
	}
	require.Equal(t,
		[]string{"whatsapp", "0", "0", "0", "0", "0", "0", "0", "0", "–", "–", "–", "–", "–", "–", "–", "0", "–", "–", "–", "0"},
		texts(admin.Queue{ID: "1", Name: "whatsapp"}))

	few := admin.Queue{Name: "whatsapp", Dead: 2, Uncertain: 1, OldestReadyMS: new(int64(60_000))}
	few.Latency.Wait = admin.Percentiles{N: 99, P50MS: new(1.0), P95MS: new(2.0), P99MS: new(3.0)}
	few.Latency.Run = admin.Percentiles{N: 100, P50MS: new(1.0), P95MS: new(2.0), P99MS: new(3.0)}
	got := texts(few)
	require.Equal(t, "2!", got[4])
	require.Equal(t, "1!", got[5])
	require.Equal(t, "1m00s!", got[9])
	require.Equal(t, []string{"1ms", "2ms", "·", "99"}, got[13:17])
	require.Equal(t, []string{"1ms", "2ms", "3ms", "100"}, got[17:21])
}
