package keys_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/keys"
)

// Other keys, for other hands; help and hints follow.
func TestRemap(t *testing.T) {
	t.Parallel()

	m, err := keys.Default().Remap("down=n,ctrl+n next_match=j retry=T mark=+")
	require.NoError(t, err)
	for key, want := range map[string]keys.Action{"n": keys.Down, "ctrl+n": keys.Down, "j": keys.Match, "T": keys.Retry, "+": keys.Mark, "k": keys.Up} {
		b, ok := m.Lookup(key)
		require.True(t, ok, key)
		require.Equal(t, want, b.Action, key)
	}
	_, ok := m.Lookup("R")
	require.False(t, ok, "what is given replaces the old keys")
	require.Equal(t, "T", m.Key(keys.Retry))
	_, changes := m.Hints("Queues")
	require.Equal(t, "T", changes[1].Short())
	require.Contains(t, m.Lines(), keys.Line{Keys: "n k", Text: "next row, row before"})
	b, _ := keys.Default().Lookup("R")
	require.Equal(t, keys.Retry, b.Action, "the defaults stay")
}

// A slip must not change anything, however the keys are set.
func TestRemapRefusesSlips(t *testing.T) {
	t.Parallel()

	for words, want := range map[string]string{
		"down=k":        "k means both",
		"retry=r":       "must be a capital letter",
		"cancel=ctrl+x": "must be a capital letter",
		"retry=X":       "X means both retry and cancel",
		"mark=M":        "a capital letter is for what changes",
		"pause=G":       "G means both",
		"interrupt=z":   "stays on ^c",
		"close=z":       "stays on Esc",
		"dwon=n":        "there is no action",
		"down":          "is not ACTION=KEY",
		"down=alt+n":    "no key",
		"down=ab":       "no key",
		"down=":         "is not ACTION=KEY",
	} {
		_, err := keys.Default().Remap(words)
		require.ErrorContains(t, err, want, words)
	}
}
