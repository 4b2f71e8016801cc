package daemon_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// stop is one command of the tour: what is said before it, the line as it is
// typed, and what its output must come to hold, if that takes a moment.
type stop struct {
	says, types, until string

	told string // what docs/tour.md has as its output
}

// reads reports whether the line may be typed again.
func (s stop) reads() bool {
	return !strings.Contains(s.types, "--yes") && !strings.Contains(s.types, "--reason") && !strings.Contains(s.types, "undrain")
}

// told are the outputs of the tour as it is written down; none while it is being
// written.
func told(path string) (all []string) {
	raw, err := os.ReadFile(path)
	if err != nil || os.Getenv("UPDATE_TOUR") != "" {
		return nil
	}
	for _, block := range strings.Split(string(raw), "```\n$ ")[1:] {
		_, out, _ := strings.Cut(block, "\n")
		out, _, _ = strings.Cut(out, "```")
		all = append(all, out)
	}
	return all
}

// tour is the story of docs/tour.md. A stop more is a line more.
func tour() []stop {
	return []stop{
		{says: "It is 3 a.m., and acme says that its customers get no answers. Everything at a glance first:", types: `inboxctl status`},
		{says: "All parts answer, both workers live, and something waits in `whatsapp`. Whose is it? The worst org stands first:", types: `inboxctl orgs list`},
		{says: "Nobody else's. What does acme have, and what may it do?", types: `inboxctl orgs show acme`},
		{says: "`send_text` is used up: 5 an hour is somebody's mistake. How late is it, in words a monitoring system reads?", types: `inboxctl check org acme --warn throttled=1`},
		{says: "And one job has died.", types: `inboxctl jobs list --org acme --state dead`},
		{says: "Why?", types: `inboxctl jobs show "$(inboxctl jobs list --org acme --state dead --limit 1 -o name)"`},
		{says: "And what holds one that waits?", types: `inboxctl jobs why "$(inboxctl jobs list --org acme --state ready --limit 1 -o name)"`},
		{says: "Stop acme while you look; it ends by itself if you forget it. Customers' messages are still accepted.", types: `inboxctl orgs pause acme --for 1h --reason "INC-812" --yes`},
		{says: "Who holds it, and until when, everybody can see.", types: `inboxctl orgs holds acme`},
		{says: "Give acme room for the night. First what would happen:", types: `inboxctl limits set --org acme send_text=120/min --for 2h --dry-run`},
		{says: "Then do it. The answer comes when every process has it.", types: `inboxctl limits set --org acme send_text=120/min --for 2h --reason "INC-812" --yes`},
		{says: "Let it go on. Only your own hold is released.", types: `inboxctl orgs resume acme --reason "INC-812"`},
		{says: "What waited is leaving.", types: `inboxctl check org acme`, until: "OK org acme: oldest 0s"},
		{says: "What died can be retried, now that the customer has a number again. First the numbers:", types: `inboxctl jobs retry --org acme --dry-run`},
		{types: `inboxctl jobs retry --org acme --reason "INC-812" --yes`},
		{types: `inboxctl jobs list --org acme --state dead`, until: "No job matches."},
		{says: "Had it been a mistake, what has not run yet could be taken back:", types: `inboxctl ops undo last --dry-run`},
		{says: "In the morning take the temporary limit back, and the mistake with it: acme has the default again.", types: `inboxctl limits reset --org acme send_text --reason "INC-812 is over" --yes`},
		{says: "Who did what to it?", types: `inboxctl limits history --org acme`},
		{types: `inboxctl audit list --org acme`},
		{says: "Has anybody touched that record?", types: `inboxctl audit verify`},
		{says: "One worker's machine needs a new kernel.", types: `inboxctl workers list`},
		{says: "It finishes what it runs and takes nothing more; the others go on.", types: `inboxctl workers drain 1 --reason "new kernel" --yes`},
		{says: "Had it been the wrong one:", types: `inboxctl workers undrain 1`},
	}
}

const tourHead = `# A tour: one night on call

A transcript of real commands against a real inboxd with a simulated Meta. It is made by a test, which runs every command again and
compares; ` + "`UPDATE_TOUR=1 go test ./daemon -run TestTour`" + ` writes it.
`

// The tour is what newcomers believe. It is run, not written, so that no command
// and no line of output in it is from another version.
func TestTour(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.redis, h.dial = stacktest.Redis(t), 100
	h.prepareTour()
	bin := buildInboxctl(t)
	const path = "../docs/tour.md"
	before := told(path)
	var b strings.Builder
	b.WriteString(tourHead)
	for i, s := range tour() {
		if s.says != "" {
			fmt.Fprintf(&b, "\n%s\n", s.says)
		}
		if i < len(before) {
			s.told = before[i]
		}
		fmt.Fprintf(&b, "\n```\n$ %s\n%s```\n", s.types, h.types(bin, s))
	}
	if os.Getenv("UPDATE_TOUR") != "" {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(strings.Split(sameEveryNight(string(want)), "\n"), strings.Split(sameEveryNight(b.String()), "\n")),
		"docs/tour.md is not what happens: UPDATE_TOUR=1 writes it anew")
}

// prepareTour makes the night: acme may send 5 an hour, of which one died and
// three more wait.
func (h *house) prepareTour() {
	h.t.Helper()
	for i, mode := range []string{"worker", "worker", "api"} {
		h.start(mode)
		if mode == "api" {
			h.furnish()
		}
		require.EventuallyWithT(h.t, func(t *collect) {
			require.Equal(t, i+1, h.registered(t))
		}, patience, 20*time.Millisecond)
	}
	c := h.operator()
	_, err := c.AddOrg(h.t.Context(), admin.OrgAdd{Name: "globex", TimeZone: "Europe/Madrid"})
	require.NoError(h.t, err)
	_, err = h.sim.AddRule(metasim.Rule{Effect: metasim.Answer, Fixture: "whatsapp/err_131026_undeliverable", Next: 1})
	require.NoError(h.t, err)
	_, err = c.AddHold(h.t.Context(), admin.HoldAdd{Org: "acme"})
	require.NoError(h.t, err)
	for i := range 8 {
		h.reply(h.customer(waNumber, "1202555010"+strconv.Itoa(i), "hello"), "on its way")
	}
	_, err = c.SetLimits(h.t.Context(), admin.LimitSet{Org: "acme", Values: map[string]string{"send_text": "5/h"}})
	require.NoError(h.t, err)
	_, err = c.ReleaseHolds(h.t.Context(), admin.HoldRelease{Org: "acme"})
	require.NoError(h.t, err)
	h.exec(`DELETE FROM limit_changes`) // of setting the stage
	require.EventuallyWithT(h.t, func(t *collect) {
		l, err := c.Limits(h.t.Context(), "acme", "")
		require.NoError(t, err)
		require.Equal(t, []any{new(5), new(int64(3))}, []any{l.Items[0].Used, l.Items[0].Waiting})
		s, err := c.Status(h.t.Context())
		require.NoError(t, err)
		require.Zero(t, s.Item.Queues[0].Running+s.Item.Queues[0].Dispatched)
	}, patience, 100*time.Millisecond)
}

// registered counts the processes in the ledger.
func (h *house) registered(t require.TestingT) (n int) {
	conn, err := pgx.Connect(h.t.Context(), h.dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(h.t.Context()) }()
	require.NoError(t, conn.QueryRow(h.t.Context(), `SELECT count(*) FROM workers`).Scan(&n))
	return n
}

// types runs one line in a shell, as a reader would, and returns what it prints.
func (h *house) types(bin string, s stop) (out string) {
	h.t.Helper()
	require.EventuallyWithT(h.t, func(t *collect) {
		cmd := exec.CommandContext(h.t.Context(), "bash", "-c", s.types+" 2>&1")
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+":"+os.Getenv("PATH"), "INBOXCTL_SERVER=unix://"+h.socket,
			"INBOXCTL_CONFIG="+filepath.Join(filepath.Dir(bin), "none.json"), "INBOXCTL_TOKEN_FILE=", "LC_ALL=C")
		raw, _ := cmd.CombinedOutput() // its exit code is part of the story: check has one
		out = h.publish(string(raw))
		require.NotEmpty(t, out)
		require.Contains(t, out, s.until)
		if s.told != "" && s.reads() { // on a busy machine some of it takes a moment
			require.Equal(t, sameEveryNight(s.told), sameEveryNight(out))
		}
	}, patience, 200*time.Millisecond)
	return out
}

func buildInboxctl(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "inboxctl")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "github.com/bandeja/inboxd/cmd/inboxctl").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bin
}

// publish replaces what belongs to this run by what belongs to a reader's.
func (h *house) publish(out string) string {
	pid := strconv.Itoa(os.Getpid())
	out = strings.NewReplacer("unix://"+h.socket, admin.DefaultServer, "v0.0.0-test", "v1.0.0", "local:"+strconv.Itoa(os.Getuid()), "local:0",
		":"+pid, ":4242", " "+pid+" ", fmt.Sprintf(" %*s ", len(pid), "4242")).Replace(out)
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(out, "127.0.0.1:8080")
}

var (
	aDuration = regexp.MustCompile(`\d+(\.\d+)?(ms|s|m|h|d)(\d\d[smh])?\b`)
	aNumber   = regexp.MustCompile(`\d+(\.\d+)?`)
	aLane     = regexp.MustCompile(`\b(lane +|by )(redis|postgres)\b`) // it is PostgreSQL while the machine is too busy for Redis
	aHash     = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	spaces    = regexp.MustCompile(` {2,}`)
)

// sameEveryNight takes out of a transcript what no two nights have in common:
// durations everywhere, and numbers except in sentences, which count what the
// story is about.
func sameEveryNight(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		sentence := strings.HasPrefix(line, "$") || strings.HasSuffix(line, ".") && !spaces.MatchString(line)
		line = regexp.MustCompile(`in \d+\.\d s`).ReplaceAllString(aDuration.ReplaceAllString(aHash.ReplaceAllString(aLane.ReplaceAllString(line, "$1#"), "#"), "#"), "in # s")
		if !sentence {
			line = aNumber.ReplaceAllString(line, "#")
			words := strings.Fields(line)
			for j, w := range words {
				if w == "-" {
					words[j] = "#"
				}
			}
			line = strings.Join(words, " ")
		}
		lines[i] = strings.TrimSpace(spaces.ReplaceAllString(line, " "))
	}
	return strings.Join(lines, "\n")
}
