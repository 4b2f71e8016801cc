package tui

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// One long error must not fill the screen, and none may steer the terminal.
func TestAnswersAreCleanedAndCut(t *testing.T) {
	t.Parallel()

	long := "\x1b[31m" + strings.Repeat("日", 1000)
	got := clean(admin.Top{Parts: []admin.TopPart{{Name: "redis", Error: &long}}, Queues: []admin.TopQueue{{Name: "a\x1b]0;title\x07b"}}})
	require.Equal(t, strings.Repeat("日", 256), *got.Parts[0].Error)
	require.Equal(t, "ab", got.Queues[0].Name)
}
