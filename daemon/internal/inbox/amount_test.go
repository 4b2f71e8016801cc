package inbox_test

import (
	"math/big"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Money that is guessed is worse than none: a customer's bill is checked
// against it.
func TestParseAmount(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]inbox.Amount{
		"143.27": "143.27", "20": "20", "0": "0", "0.00": "0", "151.9": "151.9", "1234567.89": "1234567.89", "15800": "15800",
		"10.00": "10", "007.50": "7.5", "0.000001": "0.000001", "999999999999999.999999": "999999999999999.999999",
	} {
		got, ok := inbox.ParseAmount(given)
		require.True(t, ok, given)
		require.Equal(t, want, got)
	}
	for _, bad := range []string{
		"", ".", "5.", ".5", "1,234.50", "1 234", "NaN", "Infinity", "-1", "+1", "1e3", "0x10", "12.345678901", "1.2.3", "١٢",
		"1000000000000000", "12\n", " 12", "1_000", "１２",
	} {
		_, ok := inbox.ParseAmount(bad)
		require.False(t, ok, "%q", bad)
	}
}

func TestAmountIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		given := rapid.StringMatching(`[0-9]{1,15}(\.[0-9]{1,6})?`).Draw(rt, "amount")
		got, ok := inbox.ParseAmount(given)
		require.True(rt, ok)
		want, ok := new(big.Rat).SetString(given)
		require.True(rt, ok)
		read, ok := new(big.Rat).SetString(string(got))
		require.True(rt, ok)
		require.Zero(rt, want.Cmp(read))
		again, ok := inbox.ParseAmount(string(got))
		require.True(rt, ok)
		require.Equal(rt, got, again, "the shortest writing is its own")
	})
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"143.27", "1,234.50", "NaN", "0", "12.345678901", "1e3", ".5", ""} {
		f.Add(s)
	}
	shape := regexp.MustCompile(`^(0|[1-9][0-9]{0,14})(\.[0-9]{0,5}[1-9])?$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := inbox.ParseAmount(s)
		if !ok {
			return
		}
		if !shape.MatchString(string(got)) {
			t.Fatalf("%q was read as %q", s, got)
		}
		want, isNumber := new(big.Rat).SetString(s)
		read, _ := new(big.Rat).SetString(string(got))
		if !isNumber || want.Cmp(read) != 0 {
			t.Fatalf("%q was read as %q", s, got)
		}
	})
}
