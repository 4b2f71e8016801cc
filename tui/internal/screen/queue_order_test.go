package screen_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/triage"
)

// The live view and inboxctl's tables are read side by side: the first row must
// be the same.
func TestTheLiveViewSortsLikeTheCommandLine(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		var queues []admin.Queue
		for _, name := range []string{"one", "two", "three", "four", "five"} {
			q := admin.Queue{ID: name, Name: name, Dead: rapid.Int64Range(0, 1).Draw(t, "dead"), Uncertain: rapid.Int64Range(0, 1).Draw(t, "uncertain")}
			if age := rapid.Int64Range(0, 120_000).Draw(t, "age"); age > 0 {
				q.OldestReadyMS = &age
			}
			queues = append(queues, q)
		}
		var table screen.Queues
		table.SetData(queues, time.Time{})
		var want, got []string
		for _, q := range triage.WorstFirst(queues) {
			want = append(want, q.Name)
		}
		for _, line := range table.Text(theme.New(theme.Options{Plain: true}), 160)[2:] {
			got = append(got, strings.Fields(line)[0])
		}
		require.Equal(t, want, got)
	})
}
