package triage_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/triage"
)

// Customers who wait come before what somebody must decide, and equals do not
// jump.
func TestWorstFirst(t *testing.T) {
	t.Parallel()
	queues := []admin.Queue{
		{Name: "well"},
		{Name: "dead", Dead: 1},
		{Name: "young", OldestReadyMS: new(int64(59_999))},
		{Name: "old", OldestReadyMS: new(int64(60_000))},
		{Name: "uncertain", Uncertain: 9},
		{Name: "older", OldestReadyMS: new(int64(90_000)), Dead: 3},
	}
	var names []string
	for _, q := range triage.WorstFirst(queues) {
		names = append(names, q.Name)
	}
	require.Equal(t, []string{"old", "older", "dead", "uncertain", "well", "young"}, names)
	require.Equal(t, "well", queues[0].Name, "what was given stays as it was")
	require.Empty(t, triage.WorstFirst(nil))
}

// A process that says nothing is worse than one that is about to go.
func TestHealthOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, triage.Alive, triage.HealthOf(admin.Process{BeatAgeMS: 9999}))
	who := new("local:0")
	require.Equal(t, triage.Leaving, triage.HealthOf(admin.Process{Draining: true}), "a restart, which nobody can take back")
	require.Equal(t, triage.Draining, triage.HealthOf(admin.Process{Draining: true, DrainedBy: who, Running: new(2)}))
	require.Equal(t, triage.Drained, triage.HealthOf(admin.Process{Draining: true, DrainedBy: who, Running: new(0)}))
	require.Equal(t, triage.Mute, triage.HealthOf(admin.Process{Draining: true, BeatAgeMS: 10_000}))
}

// "healthy" alone over dead jobs and a process that has stopped is read as:
// nothing to do.
func TestHeadline(t *testing.T) {
	t.Parallel()
	silent := admin.Process{BeatAgeMS: 10_000}
	for want, s := range map[string]admin.Status{
		"healthy":     {Healthy: true, Processes: []admin.Process{{}}, Queues: []admin.Queue{{Ready: 5}}},
		"NOT HEALTHY": {},
		"healthy, 1 process silent, 3 uncertain, 2 dead": {
			Healthy: true, Processes: []admin.Process{silent, {}}, Queues: []admin.Queue{{Uncertain: 1, Dead: 2}, {Uncertain: 2}},
		},
		"NOT HEALTHY, 2 processes silent": {Processes: []admin.Process{silent, silent}},
	} {
		require.Equal(t, want, triage.Headline(s))
	}
}
