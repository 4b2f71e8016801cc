package ledger_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// A processor reads its own arguments, whether its job is traced or not, and what
// is not traced is stored as it always was.
func TestTraceTravelsWithArguments(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", `{"minutes":5}`, `{}`, `[1]`} {
		for _, trace := range []string{"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} {
			stored := ledger.Traced(json.RawMessage(args), trace)
			if trace == "" {
				require.Equal(t, args, string(stored))
			}
			c := job.Claimed{Args: stored}
			ledger.Untrace(&c)
			if args == `[1]` { // nothing of ours looks like this: it is left alone
				trace = ""
			}
			require.Equal(t, trace, c.Trace)
			if args == `{}` && trace != "" {
				args = ""
			}
			require.Equal(t, args, string(c.Args))
		}
	}
}
