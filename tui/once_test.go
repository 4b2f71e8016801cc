package tui

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// Text for a pipe has no escapes, no cursor, every queue and whole ids.
func TestOncePrintsText(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	err := Run(context.Background(), Options{Source: &fakeSource{answer: busy()}, Once: true, Out: &out, Now: noon})
	require.NoError(t, err)
	text := out.String()
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "▌")
	for _, want := range []string{"whatsapp", "token_refresh", "1m16s!", "node-b", "silent!", "14:03:22Z", "dana@acme", "umbrella", "limit reached"} {
		require.Contains(t, text, want)
	}
	for line := range strings.Lines(text) {
		require.Equal(t, strings.TrimRight(line, " \n")+"\n", line, "blanks at the end of a line")
	}
}

// Without a terminal the live view would write escapes into a file.
func TestNoTerminalMeansOnce(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	source := &fakeSource{answer: unhealthy()}
	require.NoError(t, Run(context.Background(), Options{Source: source, Out: &out, Now: noon}))
	require.EqualValues(t, 1, source.calls.Load())
	require.Contains(t, out.String(), "postgres! dial tcp")
}

// A script must learn that nobody answered, in the words of the client.
func TestOnceReturnsTheFaultOfTheSource(t *testing.T) {
	t.Parallel()

	err := Run(context.Background(), Options{Source: &fakeSource{err: refused()}, Once: true, Out: &bytes.Buffer{}})
	require.Equal(t, admin.Unreachable, admin.KindOf(err))
	require.Error(t, Run(context.Background(), Options{}))
}
