package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// dead is how many jobs are brought back to life.
const dead = 5000

// development is a whole inboxd: servers, an api, workers.
type development struct {
	AdminServer string         `json:"admin_server"`
	DatabaseURL string         `json:"database_url"`
	PIDs        map[string]int `json:"pids"`
}

// develop starts `inboxd dev` and waits until it is ready.
func develop(t *testing.T) (d development) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a whole inboxd")
	}
	dir := t.TempDir()
	bin, manifest := filepath.Join(dir, "inboxd"), filepath.Join(dir, "dev.json")
	ctx, cancel := context.WithTimeout(t.Context(), 7*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", bin, "github.com/bandeja/inboxd/cmd/inboxd").CombinedOutput()
	require.NoError(t, err, "build inboxd: %s", out)

	cmd := exec.Command(bin, "dev", "--rate", "1", "--no-context", "--manifest", manifest) // It is ended below, in order.
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir)
	cmd.WaitDelay = time.Minute
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Logf("inboxd dev: %v\n%s", err, stderr.String())
		}
	})
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(manifest)
		return err == nil && json.Unmarshal(raw, &d) == nil
	}, time.Minute, 20*time.Millisecond, "inboxd dev is not ready: %s", &stderr)
	return d
}

// bury makes dead jobs of acme that sync its ads' spend.
func (d development) bury(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.DatabaseURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	tag, err := conn.Exec(t.Context(), `
INSERT INTO jobs (org_id, queue, job_type, priority, state, attempt, max_attempts, error_class, last_error, deadline_at)
SELECT o.id, 4, 4, 3, 6, 5, 5, 'timeout', 'no answer within 10s', now() + interval '1 day'
FROM orgs o, generate_series(1, $1) WHERE o.name = 'acme'`, dead)
	require.NoError(t, err)
	require.EqualValues(t, dead, tag.RowsAffected())
}

// agree types the word a question asks for, once it takes an answer.
func (term terminal) agree(word string) {
	term.t.Helper()
	term.awaitText("type " + word + " and Enter to do it: _")
	term.tmux("send-keys", "-l", word)
	term.awaitText("do it: " + word + "_")
	term.tmux("send-keys", "Enter")
}

// One night with a whole inboxd behind it: a queue is paused, what died is
// retried, the api is killed and comes back, and the window is pulled about.
func TestNightWithARealServer(t *testing.T) {
	t.Parallel()
	requireTmux(t)

	d := develop(t)
	d.bury(t)
	term := startTerminal(t, d.AdminServer)
	term.tmux("resize-window", "-x", "160", "-y", "48")
	term.awaitText("● live")
	term.tmux("send-keys", "2")
	term.awaitText("[2 Queues]") // what comes in one read is one message, and a paste
	term.tmux("send-keys", "-l", "/meta_spend")
	term.tmux("send-keys", "Enter")
	term.awaitText("filter: 1 of 5")
	term.await("the dead", func(window string) bool { return queueRow(window)["DEAD"] == "5000!" })

	term.tmux("send-keys", "P")
	term.awaitText("for:     1h_")
	term.tmux("send-keys", "Enter")
	term.awaitText("reason:  _")
	term.tmux("send-keys", "Enter")
	term.agree("y")
	term.await("the queue held", func(window string) bool { return queueRow(window)["DRAINS"] == "paused" })

	term.tmux("send-keys", "R")
	require.Contains(t, term.awaitText("type acme and Enter"), "5000 jobs: acme 5000", "the numbers come before the question")
	term.agree("acme")
	term.awaitText("Retry: 5000 done")
	term.await("all ready, none dead", func(window string) bool {
		ready, err := strconv.Atoi(queueRow(window)["READY"])
		return err == nil && ready >= dead && queueRow(window)["DEAD"] == "0" && queueRow(window)["DRAINS"] == "paused"
	})

	term.loseServer(d)
	term.pullAbout()
}

// loseServer kills the api while nobody may start it again.
func (term terminal) loseServer(d development) {
	t := term.t
	t.Helper()
	require.NoError(t, syscall.Kill(d.PIDs["dev"], syscall.SIGSTOP))
	require.NoError(t, syscall.Kill(d.PIDs["api"], syscall.SIGKILL))
	window := term.awaitText("✗ STALE")
	require.Contains(t, window, "meta_spend", "what was known stays")
	require.Contains(t, window, "P R X U off: data is")
	term.await("old data dimmed", func(string) bool {
		for line := range strings.SplitSeq(term.tmux("capture-pane", "-p", "-e"), "\n") {
			if strings.Contains(line, "▌") {
				return strings.Contains(line, "\x1b[2m") && !strings.Contains(line, "\x1b[1m")
			}
		}
		return false
	})
	term.tmux("send-keys", "R")
	term.awaitText("what is shown is old: changes wait")

	require.NoError(t, syscall.Kill(d.PIDs["dev"], syscall.SIGCONT))
	term.await("live again", func(window string) bool {
		return strings.Contains(window, "● live") && strings.Contains(window, "P pause")
	})
}

// pullAbout resizes the window faster than it can be drawn. What is left at the
// end is what a fresh frame has.
func (term terminal) pullAbout() {
	t := term.t
	t.Helper()
	term.tmux("send-keys", "f")
	term.awaitText("FROZEN")
	random := rand.New(rand.NewPCG(1, 2)) // the same storm each time
	for range 60 {
		term.tmux("resize-window", "-x", strconv.Itoa(20+random.IntN(231)), "-y", strconv.Itoa(5+random.IntN(76)))
	}
	term.tmux("resize-window", "-x", "120", "-y", "40")
	calm := func(window string) string {
		return regexp.MustCompile(`\d+s|\d\d:\d\d:\d\dZ`).ReplaceAllString(window, "")
	}
	window := term.await("the same with and without a redraw", func(window string) bool {
		term.tmux("send-keys", "C-l")
		return strings.Contains(window, "FROZEN") && calm(window) == calm(term.tmux("capture-pane", "-p"))
	})
	require.Len(t, strings.Split(strings.TrimSuffix(window, "\n"), "\n"), 40)
	require.Contains(t, strings.Split(window, "\n")[39], "? help", "the last line is the last line")
	term.tmux("send-keys", "C-c")
	require.Contains(t, term.awaitText("ENDED"), "ENDED 0")
}

// queueRow is what the table says of the only queue, by its titles.
func queueRow(window string) map[string]string {
	lines := strings.Split(window, "\n")
	for i, line := range lines[:max(len(lines)-1, 0)] {
		titles, cells := strings.Fields(line), strings.Fields(strings.TrimLeft(strings.ReplaceAll(lines[i+1], "‖", ""), "▌│╭ "))
		if at := slices.Index(titles, "QUEUE"); at >= 0 && len(cells) > 0 {
			row := map[string]string{}
			for n, title := range titles[at:] {
				if _, twice := row[title]; n < len(cells) && !twice {
					row[title] = cells[n]
				}
			}
			return row
		}
	}
	return nil
}
