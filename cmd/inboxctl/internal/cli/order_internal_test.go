package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// "What waits longest?" must not be answered by the alphabet.
func TestSortingByWhatIsShown(t *testing.T) {
	t.Parallel()
	for _, rising := range [][]string{
		{"91ms", "103ms", "949ms", "1.66s", "9.92s", "20.2s", "1m19s", "2h05m", "3d04h", "12d"},
		{"7", "99", "1284", "9999", "14.9k", "1.28M"},
		{"4%", "27%", "97.1%", "100%"},
		{"0/5", "4/5", "12/60"},
		{"2s ago", "3m10s ago", "26h ago"},
		{"acme", "globex"},
	} {
		for i := range rising[1:] {
			require.Negative(t, compareText(rising[i], rising[i+1]), "%s before %s", rising[i], rising[i+1])
		}
	}
}
