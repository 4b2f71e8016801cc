package telemetry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// clock is moved by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newLabels(mode telemetry.LabelMode, top int) (*telemetry.Labels[string], *clock) {
	c := &clock{at: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}
	return telemetry.NewLabels[string](telemetry.LabelOptions{Mode: mode, Top: top, Now: c.now}), c
}

// Ten thousand orgs must not become ten thousand series, and the org that is
// busy tonight must be one of those that have a name.
func TestLabelsKeepTheBusiest(t *testing.T) {
	t.Parallel()
	l, c := newLabels(telemetry.LabelsTop, 3)
	for i := range 10_000 {
		l.Weigh(fmt.Sprint("org", i), 1)
	}
	require.True(t, l.Has("org0"), "while there is room the first come have a name")
	require.False(t, l.Has("org9999"))
	require.Empty(t, l.Turn(), "less than a minute")
	require.False(t, l.Weigh("org77", 1.5), "less than twice as busy does not take over")
	c.at = c.at.Add(time.Minute)
	require.Len(t, l.Turn(), 1, "2.5 against 1")
	require.True(t, l.Has("org77"))
	for range 100 { // all the same: nobody moves
		for _, name := range []string{"org1", "org2", "org77", "org4"} {
			l.Weigh(name, 1)
		}
		c.at = c.at.Add(time.Minute)
		l.Turn()
	}
	require.True(t, l.Has("org77"))
}

func TestLabelsThatAreIdleGo(t *testing.T) {
	t.Parallel()
	l, c := newLabels(telemetry.LabelsTop, 2)
	require.True(t, l.Weigh("acme", 1))
	require.True(t, l.Weigh("globex", 1))
	require.False(t, l.Weigh("late", 1))
	c.at = c.at.Add(59 * time.Minute)
	require.True(t, l.Weigh("globex", 1))
	require.False(t, l.Weigh("late", 0.01))
	require.Empty(t, l.Turn())
	c.at = c.at.Add(time.Minute)
	require.Equal(t, []string{"acme"}, l.Turn())
	require.True(t, l.Has("late"), "a free place is taken by who waits")
	require.False(t, l.Has("acme"))
}

func TestLabelModes(t *testing.T) {
	t.Parallel()
	off, _ := newLabels(telemetry.LabelsOff, 2)
	require.False(t, off.Weigh("acme", 1))
	all, c := newLabels(telemetry.LabelsAll, 2)
	for i := range 1000 {
		require.True(t, all.Weigh(fmt.Sprint("org", i), 1))
	}
	c.at = c.at.Add(time.Hour)
	require.Len(t, all.Turn(), 1000)
}
