package secret_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/secret"
)

func key(fill byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(fill)), secret.KeyBytes)))
}

func sealer(t require.TestingT, keys ...string) *secret.Sealer {
	s, err := secret.NewSealer(keys)
	require.NoError(t, err)
	return s
}

// Whoever can write to the database must not be able to make one org's channel
// use another org's token.
func TestSwappedRowsDoNotOpen(t *testing.T) {
	t.Parallel()
	s := sealer(t, key('a'))
	rows := map[string]string{} // aad → sealed
	for _, aad := range []string{"org 1 channels token", "org 2 channels token"} {
		sealed, err := s.Seal("token of "+aad, aad)
		require.NoError(t, err)
		rows[aad] = sealed
	}
	for aad := range rows {
		for from, sealed := range rows {
			clear, err := s.Open(sealed, aad)
			if from == aad {
				require.NoError(t, err)
				require.Equal(t, "token of "+aad, clear)
				continue
			}
			require.ErrorContains(t, err, "moved from another place")
			require.Empty(t, clear)
		}
	}
}

func TestSealNeverRepeats(t *testing.T) {
	t.Parallel()
	s := sealer(t, key('a'))
	one, err := s.Seal("same", "aad")
	require.NoError(t, err)
	two, err := s.Seal("same", "aad")
	require.NoError(t, err)
	require.NotEqual(t, one, two)
	require.Regexp(t, `^v[0-9a-f]{8}:[A-Za-z0-9+/]+=*$`, one)
}

// Rotation must not lock anyone out: old values open while both keys are
// there, and new values no longer need the old key.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	before := sealer(t, key('a'))
	old, err := before.Seal("token", "aad")
	require.NoError(t, err)

	during := sealer(t, key('b'), key('a'))
	clear, err := during.Open(old, "aad")
	require.NoError(t, err)
	require.Equal(t, "token", clear)
	renewed, err := during.Seal(clear, "aad")
	require.NoError(t, err)
	require.True(t, during.Current(renewed))
	require.False(t, during.Current(old))
	require.True(t, before.Current(old))

	after := sealer(t, key('b'))
	clear, err = after.Open(renewed, "aad")
	require.NoError(t, err)
	require.Equal(t, "token", clear)
	_, err = after.Open(old, "aad")
	require.ErrorContains(t, err, "not among the configured")
}

func TestTamperedValuesDoNotOpen(t *testing.T) {
	t.Parallel()
	s := sealer(t, key('a'), key('b'))
	rapid.Check(t, func(t *rapid.T) {
		clear, aad := rapid.String().Draw(t, "clear"), rapid.String().Draw(t, "aad")
		sealed, err := s.Seal(clear, aad)
		require.NoError(t, err)
		opened, err := s.Open(sealed, aad)
		require.NoError(t, err)
		require.Equal(t, clear, opened)

		changed := []byte(sealed)
		at := rapid.IntRange(0, len(changed)-1).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			changed[at] ^= rapid.ByteRange(1, 255).Draw(t, "flip")
		case 1:
			changed = append(changed[:at], changed[at+1:]...)
		case 2:
			changed = append(changed[:at], append([]byte{rapid.Byte().Draw(t, "more")}, changed[at:]...)...)
		}
		if string(changed) == sealed {
			t.Skip("the change changed nothing")
		}
		_, err = s.Open(string(changed), aad)
		require.Error(t, err)
		_, err = s.Open(sealed, aad+"x")
		require.Error(t, err)
	})
}

func TestOpenRefusesOtherShapes(t *testing.T) {
	t.Parallel()
	s := sealer(t, key('a'))
	for _, sealed := range []string{"", ":", "v:", "token in clear", "va591a6d4:", "va591a6d4:AAAA", "v00000000:AAAA"} {
		_, err := s.Open(sealed, "aad")
		require.Error(t, err, sealed)
	}
}

// Every unusable key is named at once, by place and never by text.
func TestNewSealerNamesEveryFault(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString([]byte("only sixteen byt"))
	_, err := secret.NewSealer([]string{key('a'), "not base64 " + canary, short, key('a'), ""})
	require.EqualError(t, err, strings.Join([]string{
		"key 2: it is not base64",
		"key 3: it has 16 bytes, not 32",
		"key 4: it is there twice",
		"key 5: it has 0 bytes, not 32",
	}, "\n"))
	_, err = secret.NewSealer(nil)
	require.Error(t, err)
}
