package tui

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is typed after the colon is what the command line takes as flags.
func TestSelectorGrammar(t *testing.T) {
	t.Parallel()

	s, err := parseSelector([]string{"org=acme", "state:dead,uncertain", "--older-than=10m", "queue=whatsapp"})
	require.NoError(t, err)
	require.Equal(t, []string{"acme"}, s.Org)
	require.Equal(t, []string{"dead", "uncertain"}, s.State)
	require.EqualValues(t, 600_000, *s.OlderThanMS)
	require.Equal(t, "org=acme queue=whatsapp state=dead,uncertain older_than_ms=600000", writeSelector(s))

	s, err = parseSelector([]string{"since=2h"})
	require.NoError(t, err)
	require.NotNil(t, s.Since)
	s, err = parseSelector(nil)
	require.NoError(t, err)
	require.Empty(t, writeSelector(s))

	for word, want := range map[string]string{
		"acme": "write org=acme state=dead", "org=": "is not key=value", "older-than=soon": "is no duration", "ogr=acme": "try org",
	} {
		_, err := parseSelector([]string{word})
		require.ErrorContains(t, err, want, word)
	}
}
