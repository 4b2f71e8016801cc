package daemon_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

const (
	skewConversations = 40
	skewPause         = 800 * time.Millisecond // of one conversation between two answers: 50/s together
)

// fleet is what runs while processes come and go: apis as their callers know
// them, and customers who are answered without a break.
type fleet struct {
	*house
	bases []string // of the apis
	socks []string // of their operators

	mu       sync.Mutex
	sent     []string // messages
	refused  []string
	wg       sync.WaitGroup
	finished func()
}

// spawnAs starts a process of the daemon from a program; "" is this test.
func (f *fleet) spawnAs(program, mode string) *exec.Cmd {
	f.t.Helper()
	environ := f.environ(mode)
	if mode == "api" {
		port, err := devstack.FreePort(f.t.Context())
		require.NoError(f.t, err)
		listen := "127.0.0.1:" + strconv.Itoa(port)
		environ = append(environ, "INBOXD_LISTEN="+listen)
		f.bases, f.socks = append(f.bases, "http://"+listen), append(f.socks, f.socket)
	}
	if program == "" {
		var err error
		program, err = os.Executable()
		require.NoError(f.t, err)
		environ = append(environ, serveEnv+"=1")
	}
	cmd := exec.CommandContext(context.Background(), program)
	cmd.Env, cmd.Stderr = environ, f.logs
	require.NoError(f.t, cmd.Start())
	f.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// ready waits until an api serves.
func (f *fleet) ready(base string) {
	f.t.Helper()
	f.api = base
	require.Eventually(f.t, func() bool {
		status, _, err := f.tryCall(http.MethodGet, "/readyz", "")
		return err == nil && status == http.StatusOK
	}, patience, 50*time.Millisecond)
}

// converse lets customers write and be answered, by the apis in turns, until
// finished is called.
func (f *fleet) converse() {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	f.finished = func() { cancel(); f.wg.Wait() }
	f.t.Cleanup(f.finished)
	for i := range skewConversations {
		id := f.customer(waNumber, fmt.Sprint("1202555", 1000+i), "hello")
		f.wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				f.answer(id, n) //nolint:contextcheck // one that is under way at the end shall end
				select {
				case <-time.After(skewPause):
				case <-ctx.Done():
				}
			}
		})
	}
}

func (f *fleet) answer(conversation string, n int) {
	f.mu.Lock()
	at := house{token: f.token, api: f.bases[n%len(f.bases)]}
	f.mu.Unlock()
	status, raw, err := at.tryCall(http.MethodPost, "/v1/conversations/"+conversation+"/messages", fmt.Sprintf(`{"text":"answer %d"}`, n))
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || status != http.StatusAccepted {
		f.refused = append(f.refused, fmt.Sprint(status, " ", string(raw), " ", err))
		return
	}
	var r struct {
		Message struct {
			ID string `json:"id"`
		} `json:"message"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		f.refused = append(f.refused, err.Error())
	}
	f.sent = append(f.sent, r.Message.ID)
}

// settled wants each answer with its customer once, in order, and no error said
// by anybody meanwhile.
func (f *fleet) settled(t *testing.T) {
	t.Helper()
	f.finished()
	require.Empty(t, f.refused)
	for _, id := range f.sent {
		if s := f.message(id).Status; s != "delivered" && s != "read" {
			f.awaitStatus(id, "delivered", "read")
		}
	}
	require.Empty(t, f.sim.Duplicates())
	sends := f.sim.Sends(0)
	require.Len(t, sends, len(f.sent), "each was tried once")
	inOrder(t, sends)
	require.Empty(t, faultsIn(f.logs.String()))
}

// faultsIn are the lines that somebody should look into. A wait for a lock that
// was given up and is repeated (55P03) is none.
func faultsIn(log string) (faults []string) {
	fault := regexp.MustCompile(`level=ERROR|"level":"ERROR"|SQLSTATE`)
	for line := range strings.SplitSeq(log, "\n") {
		if fault.MatchString(strings.ReplaceAll(line, "SQLSTATE 55P03", "")) {
			faults = append(faults, line)
		}
	}
	return faults
}

// A new release is rolled out worker by worker, in working hours: no answer to a
// customer may be lost, sent twice or left in doubt by that, and each worker ends
// as it should.
func TestRollingRestartOfWorkers(t *testing.T) {
	t.Parallel()
	f := &fleet{house: newHouse(t)}
	f.redis, f.dial = stacktest.Redis(t), 50
	require.NoError(t, f.sim.SetSettings(metasim.Settings{Response: metasim.Span{MinMS: 50, MaxMS: 400}}))
	f.spawnAs("", "api")
	f.furnish()
	f.ready(f.bases[0])
	f.sim.SetWebhook(f.api+"/webhooks/meta", appSecret)
	workers := []*exec.Cmd{f.spawnAs("", "worker"), f.spawnAs("", "worker")}
	f.converse()
	restarts := 0
	for range max(1, rounds(t)) {
		for i, w := range workers {
			before := len(f.sim.Sends(0))
			require.Eventually(t, func() bool { return len(f.sim.Sends(0)) > before+50 }, patience, 10*time.Millisecond)
			require.NoError(t, w.Process.Signal(syscall.SIGTERM))
			require.NoError(t, w.Wait(), "an ordinary stop")
			workers[i] = f.spawnAs("", "worker")
			restarts++
		}
	}
	f.settled(t)
	t.Logf("%d answers through %d restarts of workers: 0 lost, 0 doubled, 0 in doubt", len(f.sent), restarts)
}

// skewTime is how long two versions work side by side.
func skewTime(t *testing.T) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("INBOXD_SKEW_SECONDS"))
	if err != nil {
		return 3 * time.Second
	}
	return time.Duration(n) * time.Second
}

// During an upgrade two versions share one database and one Redis, the schema
// changes under the old one, and operators turn things meanwhile: nobody may see
// an error of it. INBOXD_SKEW_OLD names the program of the version before
// (.ci/skew.sh builds it); without it this very version stands in for it.
func TestTwoVersionsSideBySide(t *testing.T) {
	t.Parallel()
	old := os.Getenv("INBOXD_SKEW_OLD")
	f := &fleet{house: newHouse(t)}
	f.redis, f.dial = stacktest.Redis(t), 50
	if old != "" {
		f.dsn = stacktest.Database(t, nil)
		f.migrateWith(old)
	}
	f.spawnAs(old, "api")
	f.furnish()
	f.ready(f.bases[0])
	f.sim.SetWebhook(f.api+"/webhooks/meta", appSecret)
	f.spawnAs(old, "worker")
	f.converse()
	before := len(f.sim.Sends(0))
	require.Eventually(t, func() bool { return len(f.sim.Sends(0)) > before+50 }, patience, 10*time.Millisecond)
	require.NoError(t, store.Migrate(t.Context(), f.dsn), "while the old version works")

	f.mu.Lock()
	f.spawnAs("", "api")
	second := f.bases[1]
	f.bases = f.bases[:1]
	f.mu.Unlock()
	(&fleet{house: &house{t: t, token: f.token}}).ready(second)
	f.mu.Lock()
	f.bases = append(f.bases, second)
	f.mu.Unlock()
	f.sim.SetWebhook(second+"/webhooks/meta", appSecret)
	f.spawnAs("", "worker")
	f.operate(t, time.Now().Add(skewTime(t)))
	f.settled(t)
	t.Logf("%d answers by two versions side by side for %s: 0 errors", len(f.sent), skewTime(t))
}

// operate changes what must hold on all four processes, by either version, until
// then.
func (f *fleet) operate(t *testing.T, until time.Time) {
	t.Helper()
	for n := 0; n < 2 || time.Now().Before(until); n++ {
		c, err := admin.NewClient(admin.Options{Server: "unix://" + f.socks[n%2]})
		require.NoError(t, err)
		turned, err := c.SetDial(t.Context(), admin.DialSet{Queue: "whatsapp", Dial: 25 + 50*(n%2), Reason: "upgrade"})
		require.NoError(t, err)
		require.True(t, turned.Item.Applied.Everywhere(), turned.Item.Applied.Text())
		require.EventuallyWithT(t, func(t *collect) {
			all, err := c.Workers(f.t.Context())
			require.NoError(t, err)
			require.Len(t, all.Items, 4)
		}, patience, 50*time.Millisecond)
		_, err = c.Status(t.Context())
		require.NoError(t, err)
		c.Close()
		<-time.After(min(time.Second, max(0, time.Until(until))))
	}
}

// migrateWith makes the schema of another version.
func (f *fleet) migrateWith(program string) {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), program, "migrate", "up")
	cmd.Env = []string{"INBOXD_DATABASE_URL=" + f.dsn}
	said, err := cmd.CombinedOutput()
	require.NoError(f.t, err, "%s", said)
	f.t.Log(strings.TrimSpace(string(said)))
}

// In the middle of an upgrade, and after a roll-back, a process stands before a
// schema that is not its own. Newer: it works, and says so. Older: it ends, with
// the command that helps; a step that it does not know it does not take back.
func TestSchemaOfAnotherVersion(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	steps, err := store.MigrationStatus(t.Context(), h.dsn)
	require.NoError(t, err)
	newest := steps[len(steps)-1].Version
	h.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)`, newest+1)
	d := h.start("api")
	h.furnish()
	require.Contains(t, h.logs.String(), fmt.Sprintf(`step="%05d, of a newer inboxd"`, newest+1))
	require.NoError(t, store.Migrate(t.Context(), h.dsn), "nothing to do")
	require.ErrorContains(t, store.MigrateDown(t.Context(), h.dsn), "is of a newer inboxd: take it back with that one")
	require.NoError(t, d.stop())

	h.exec(`DELETE FROM goose_db_version WHERE version_id >= $1`, newest)
	d = h.start("api")
	require.ErrorContains(t, <-d.done, "run `inboxd migrate up`")
	close(d.done)
}
