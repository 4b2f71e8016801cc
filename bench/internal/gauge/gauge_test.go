package gauge

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A name may hold anything, also what looks like the end of it.
func TestParseStat(t *testing.T) {
	t.Parallel()
	s, err := parseStat("42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 300 4000 20 0 1 0 5")
	require.NoError(t, err)
	require.Equal(t, stat{parent: 7, own: 30, ended: 4300}, s)
	for _, bad := range []string{"", "42 name", "42 (x) S 1 2"} {
		_, err := parseStat(bad)
		require.Error(t, err, bad)
	}
}

// What a child used counts while it runs and after it has ended.
func TestTreeCountsChildren(t *testing.T) {
	t.Parallel()
	before, err := Tree(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, exec.CommandContext(t.Context(), "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done").Run())
	after, err := Tree(os.Getpid())
	require.NoError(t, err)
	require.GreaterOrEqual(t, after-before, 20*time.Millisecond)
	_, err = Tree(1 << 30)
	require.Error(t, err)
}

func TestAt(t *testing.T) {
	t.Parallel()
	d := []time.Duration{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond}
	require.InDelta(t, 2, At(d, 0.5), 0)
	require.InDelta(t, 3, At(d, 1), 0)
	require.Zero(t, At(nil, 0.5))
}

func TestInfoNumber(t *testing.T) {
	t.Parallel()
	info := "# Stats\r\ntotal_commands_processed:12\r\ntotal_reads_processed:7\r\n"
	require.Equal(t, int64(7), infoNumber(info, "total_reads_processed"))
	require.Zero(t, infoNumber(info, "nothing"))
}
