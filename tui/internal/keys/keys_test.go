package keys_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/keys"
)

// A key with two meanings does the wrong one at three in the morning.
func TestNoKeyHasTwoMeanings(t *testing.T) {
	t.Parallel()

	owner := map[string]keys.Action{}
	for _, b := range keys.Default() {
		require.NotEmpty(t, b.Keys, b.Action)
		require.NotEmpty(t, b.Help, b.Action)
		for _, key := range b.Keys {
			require.Empty(t, owner[key], "%q means %s and %s", key, owner[key], b.Action)
			owner[key] = b.Action
		}
	}
}

// A slip must not change anything: lower-case letters, punctuation and control
// keys only look. Of the capitals, only G looks too.
func TestOnlyCapitalsChange(t *testing.T) {
	t.Parallel()

	for _, b := range keys.Default() {
		for _, key := range b.Keys {
			r, size := utf8.DecodeRuneInString(key)
			capital := size == len(key) && unicode.IsUpper(r)
			if b.Kind == keys.Change {
				require.True(t, capital, "%q changes something", key)
			} else if capital {
				require.Contains(t, "GN", key, "a capital that only looks teaches the wrong lesson")
			}
		}
	}
}

func TestBurstMovesButNeverActs(t *testing.T) {
	t.Parallel()
	m := keys.Default()

	moves, ok := m.Burst([]rune("jjk"))
	require.True(t, ok)
	require.Len(t, moves, 3)

	for _, pasted := range []string{"quit", "jjq", "jR", "ls -l", "ff"} {
		_, ok := m.Burst([]rune(pasted))
		require.False(t, ok, "%q must not be taken for keys", pasted)
	}
}

// What the footer offers must work there: a key that only says "not here" costs
// trust in the rest.
func TestHintsAreOfThePlace(t *testing.T) {
	t.Parallel()

	words := func(bindings []keys.Binding) (all []string) {
		for _, b := range bindings {
			all = append(all, b.Short()+" "+b.Hint)
		}
		return all
	}
	looks, changes := keys.Default().Hints("Queues")
	require.Equal(t, []string{"? help", "q quit", ": cmd", "/ filter", "Enter open", "b jobs", "e errors", "s sort", "f freeze", "r refresh"}, words(looks))
	require.Equal(t, []string{"P pause", "R retry", "X cancel", "U undo"}, words(changes))
	_, changes = keys.Default().Hints("Alerts")
	require.Equal(t, []string{"A ack", "M mute", "U undo"}, words(changes))
	looks, _ = keys.Default().Hints(keys.Job)
	require.Equal(t, []string{"? help", "q quit", "Esc back", ": cmd", "w why", "r refresh"}, words(looks))
}

// A key that the help does not name is found by accident only.
func TestHelpNamesEveryKey(t *testing.T) {
	t.Parallel()

	named := map[string]bool{}
	for _, line := range keys.Default().Lines() {
		for key := range strings.FieldsSeq(line.Keys) {
			named[key] = true
		}
	}
	for _, b := range keys.Default() {
		require.True(t, b.Label == "" || named[b.Short()], "%s is not in the help", b.Action)
	}
}
