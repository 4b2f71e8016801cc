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
type stop struct{ says, types, until string }

// tour is the story of docs/tour.md. A stop more is a line more.
func tour() []stop {
	return []stop{
		{"It is 3 a.m., and acme says that its customers get no answers. Everything at a glance first:", `inboxctl status`, ""},
		{"All parts answer, both workers live, and something waits in `whatsapp`. What does acme have, and what may it do?", `inboxctl orgs show acme`, ""},
		{"`send_text` is used up: 5 an hour is somebody's mistake. How late is it, in words a monitoring system reads?", `inboxctl check org acme --warn throttled=1`, ""},
		{"And one job has died.", `inboxctl jobs list --org acme --state dead`, ""},
		{"Why?", `inboxctl jobs show "$(inboxctl jobs list --org acme --state dead --limit 1 -o name)"`, ""},
		{"Stop acme while you look; it ends by itself if you forget it. Customers' messages are still accepted.", `inboxctl orgs pause acme --for 1h --reason "INC-812" --yes`, ""},
		{"Who holds it, and until when, everybody can see.", `inboxctl orgs holds acme`, ""},
		{"Give acme room for the night. First what would happen:", `inboxctl limits set --org acme send_text=120/min --for 2h --dry-run`, ""},
		{"Then do it. The answer comes when every process has it.", `inboxctl limits set --org acme send_text=120/min --for 2h --reason "INC-812" --yes`, ""},
		{"Let it go on. Only your own hold is released.", `inboxctl orgs resume acme --reason "INC-812"`, ""},
		{"What waited is leaving.", `inboxctl check org acme`, "OK org acme: oldest 0s"},
		{"What died can be retried, now that the customer has a number again. First the numbers:", `inboxctl jobs retry --org acme --dry-run`, ""},
		{"", `inboxctl jobs retry --org acme --reason "INC-812" --yes`, ""},
		{"", `inboxctl jobs list --org acme --state dead`, "No job matches."},
		{"In the morning take the temporary limit back, and the mistake with it: acme has the default again.", `inboxctl limits reset --org acme send_text --reason "INC-812 is over" --yes`, ""},
		{"Who did what to it?", `inboxctl limits history --org acme`, ""},
		{"One worker's machine needs a new kernel.", `inboxctl workers list`, ""},
		{"It finishes what it runs and takes nothing more; the others go on.", `inboxctl workers drain 1 --reason "new kernel" --yes`, ""},
		{"Had it been the wrong one:", `inboxctl workers undrain 1`, ""},
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
	var b strings.Builder
	b.WriteString(tourHead)
	for _, s := range tour() {
		if s.says != "" {
			fmt.Fprintf(&b, "\n%s\n", s.says)
		}
		fmt.Fprintf(&b, "\n```\n$ %s\n%s```\n", s.types, h.types(bin, s))
	}
	const path = "../docs/tour.md"
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
	spaces    = regexp.MustCompile(` {2,}`)
)

// sameEveryNight takes out of a transcript what no two nights have in common:
// durations everywhere, and numbers except in sentences, which count what the
// story is about.
func sameEveryNight(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		sentence := strings.HasSuffix(line, ".") || strings.HasPrefix(line, "$")
		line = regexp.MustCompile(`in \d+\.\d s`).ReplaceAllString(aDuration.ReplaceAllString(line, "#"), "in # s")
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
