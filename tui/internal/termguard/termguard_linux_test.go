package termguard_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/charmbracelet/bubbletea" // Its init is what the guard is against.
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	_ "github.com/bandeja/inboxd/tui/internal/termguard"
)

// childEnv makes this test binary a command that does nothing but print.
const childEnv = "INBOXD_TERMGUARD_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		_, _ = io.WriteString(os.Stdout, "1.2.3\n")
		os.Exit(0) //nolint:forbidigo // This is the main of the child.
	}
	os.Exit(m.Run()) //nolint:forbidigo // This is the main of the test.
}

// On a terminal that never answers, a command that has nothing to ask must not
// ask: unguarded it stalls for five seconds, and the question is in its output.
func TestNothingIsAskedOfAMuteTerminal(t *testing.T) {
	t.Parallel()

	t.Run("AnyProgram", func(t *testing.T) {
		t.Parallel()
		self, err := os.Executable()
		require.NoError(t, err)
		requireQuiet(t, "1.2.3", exec.CommandContext(t.Context(), self))
	})
	t.Run("Inboxctl", func(t *testing.T) {
		t.Parallel()
		inboxctl := filepath.Join(t.TempDir(), "inboxctl")
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Minute)
		defer cancel()
		build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", inboxctl, "../../../cmd/inboxctl")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "build inboxctl: %s", out)
		requireQuiet(t, "inboxctl", exec.CommandContext(t.Context(), inboxctl, "version"))
	})
}

func requireQuiet(t *testing.T, want string, cmd *exec.Cmd) {
	t.Helper()
	cmd.Env = []string{"TERM=xterm-256color", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), childEnv + "=1"}
	out := runOnMuteTerminal(t, cmd)
	require.Contains(t, out, want)
	require.NotContains(t, out, "\x1b", "the terminal was asked something")
}

// runOnMuteTerminal runs a command on a new terminal to which nobody answers,
// and returns what it wrote.
func runOnMuteTerminal(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	master, slave := openTerminal(t)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	require.NoError(t, slave.Close())

	written := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(master) // It ends with EIO when the child has gone.
		written <- string(all)
	}()
	require.NoError(t, cmd.Wait())
	return <-written
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	return master, slave
}
