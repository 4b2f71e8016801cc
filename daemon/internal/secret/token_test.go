package secret_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/secret"
)

func TestMintAndDigestAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		role := rapid.SampledFrom([]string{"api", "viewer", "operator", "admin"}).Draw(t, "role")
		id := rapid.Int64Min(1).Draw(t, "id")
		clear, digest := secret.Mint(role, id)
		require.Regexp(t, `^inbx_`+role+`_\d+_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}$`, clear)
		sum := sha256.Sum256([]byte(clear))
		require.Equal(t, sum[:], digest)
		found, err := secret.Digest(clear)
		require.NoError(t, err)
		require.Equal(t, digest, found)
	})
}

// A mistyped token is refused before the database is asked.
func TestDigestRefusesEveryChangedCharacter(t *testing.T) {
	t.Parallel()
	clear, _ := secret.Mint("operator", 42)
	for at := range clear {
		for _, c := range []byte("0aZ_-\x00") {
			if clear[at] == c {
				continue
			}
			changed := clear[:at] + string(rune(c)) + clear[at+1:]
			_, err := secret.Digest(changed)
			require.ErrorIs(t, err, secret.ErrToken, changed)
			require.NotContains(t, err.Error(), clear[10:30])
		}
		_, err := secret.Digest(clear[:at])
		require.ErrorIs(t, err, secret.ErrToken)
	}
}

func TestDigestIsStrict(t *testing.T) {
	t.Parallel()
	// A fixed token: its checksum must never come out differently in a later
	// release, or every token in use would stop working.
	const good = "inbx_api_7_0123456789ABCDEFGHIJKLMNOPQRSTUV_1hBXHU"
	_, err := secret.Digest(good)
	require.NoError(t, err)
	for _, bad := range []string{
		"", "inbx", "____", " " + good, good + " ", good + "\n", "Bearer " + good, strings.ToUpper(good), good + "_", "_" + good,
		strings.Replace(good, "_7_", "_07_", 1), strings.Replace(good, "_7_", "_+7_", 1), strings.Replace(good, "_7_", "_0_", 1),
		strings.Replace(good, "_7_", "_-7_", 1), strings.Replace(good, "_7_", "_99999999999999999999_", 1),
		strings.Replace(good, "_api_", "_root_", 1), strings.Replace(good, "_api_", "__", 1), strings.Repeat("a", 1<<16),
	} {
		_, err := secret.Digest(bad)
		require.ErrorIs(t, err, secret.ErrToken, bad)
	}
}

func TestMintNeverRepeatsAndUsesTheWholeAlphabet(t *testing.T) {
	t.Parallel()
	seen, letters := map[string]bool{}, map[rune]int{}
	for range 500 {
		clear, _ := secret.Mint("api", 1)
		require.False(t, seen[clear])
		seen[clear] = true
		for _, c := range strings.Split(clear, "_")[3] {
			letters[c]++
		}
	}
	require.Len(t, letters, 62)
	for c, n := range letters { // 16,000 characters, 258 of each expected.
		require.InDelta(t, 258, n, 130, string(c))
	}
}

func TestMintRefusesWhatIsNoRole(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { secret.Mint("root", 1) })
	require.Panics(t, func() { secret.Mint("api", 0) })
}

func FuzzDigest(f *testing.F) {
	clear, _ := secret.Mint("admin", 9)
	f.Add(clear)
	f.Add("inbx_api_1__")
	f.Fuzz(func(t *testing.T, text string) {
		if digest, err := secret.Digest(text); err == nil {
			require.Len(t, digest, sha256.Size)
			require.Len(t, strings.Split(text, "_"), 5)
		}
	})
}
