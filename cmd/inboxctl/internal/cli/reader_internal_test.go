package cli

import (
	"context"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// The end of a pipe that nobody reads is noticed without writing to it.
func TestReaderLeft(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("only the next write tells there")
	}
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = w.Close() }()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, readerLeft(ended, w))
	require.NoError(t, r.Close())
	require.True(t, readerLeft(t.Context(), w))
}
