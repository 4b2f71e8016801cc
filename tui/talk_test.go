package tui

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// transcript is what the plain view says to somebody who types these lines.
func transcript(t *testing.T, changer Changer, lines ...string) string {
	t.Helper()
	source := &fakeSource{}
	source.jobs.Items, source.job.Item = jobRows(), jobStory()
	return transcriptOf(t, source, changer, lines...)
}

func transcriptOf(t *testing.T, source *fakeSource, changer Changer, lines ...string) string {
	t.Helper()
	var out bytes.Buffer
	o := newTestModel().options
	o.Changer, o.Out, o.Plain, o.Interval = changer, &out, true, time.Hour
	source.answer, o.Source = busy(), source
	in, typing := io.Pipe()
	o.In = in
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for _, line := range lines {
			if _, err := io.WriteString(typing, line+"\n"); err != nil {
				return
			}
		}
		_ = typing.Close()
	}()
	require.NoError(t, Run(ctx, o))
	return out.String()
}

// What a screen reader hears, word for word: menus by number, questions with
// their numbers, nothing drawn.
func TestPlainTalks(t *testing.T) {
	t.Parallel()

	changer := &fakeChanger{matched: 118}
	got := transcript(t, changer,
		"", "what", "m", "1", "whatsapp", "3", "118", // retries the dead jobs of a queue
		"m", "1", "1", "2", "", "provider is down", "y", // pauses it
		"m", "9", "y", // undoes that
		"m", "5", "2", "1", // tells more of an agent
		"m", "7", "0", // leaves
		"q",
	)
	require.Equal(t, []string{"op1"}, changer.commits)
	require.Len(t, changer.holds, 2)
	require.Equal(t, "provider is down", changer.holds[1].Reason)
	require.Len(t, changer.releases, 1)
	for _, r := range got {
		require.False(t, r >= 0x2500 && r <= 0x28ff || r == 0x1b, "%q is drawn, not said", r)
	}
	path := filepath.Join("testdata", "plain.golden")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")))
}

// Enter alone changes nothing, and neither does the end of the input.
func TestPlainChangesNothingByAccident(t *testing.T) {
	t.Parallel()

	changer := &fakeChanger{matched: 118}
	got := transcript(t, changer, "m", "1", "1", "3", "", "m", "1", "1", "3", "y", "", "m", "x", "0", "q")
	require.Empty(t, changer.commits)
	require.Contains(t, got, "No: that is not 118: nothing was changed.")
	require.Contains(t, got, "x means 0 of them")

	source := &fakeSource{}
	for i := range 30 {
		source.jobs.Items = append(source.jobs.Items, admin.Job{ID: strconv.Itoa(5000 + i), Org: "acme", Type: "send_message"})
	}
	many := &fakeChanger{matched: 1}
	got = transcriptOf(t, source, many, "m", "2", "25", "acme", "5024", "2", "", "q")
	require.Contains(t, got, "25 is none of the numbers 1 to 20: once more.", "nobody has heard what 25 is")
	require.Contains(t, got, "acme means 0 of them", "it is the org of all of them, and the name of none")
	require.Equal(t, []string{"5024"}, many.plans[0].Selector.IDs)

	viewer := transcript(t, nil, "m", "1", "1", "3", "q")
	require.Contains(t, viewer, "This view is read-only.")
}
