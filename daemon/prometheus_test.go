package daemon_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// prometheusEnv names the program for the test with a real Prometheus.
const prometheusEnv = "INBOXD_TEST_PROMETHEUS"

const (
	// faster is by how much all windows of the rules are shorter here.
	faster    = 60
	slaTarget = 2 * time.Second
	// answering is how long the slow agents of the test take.
	answering = 3 * time.Second
	monitored = 3 * time.Minute // how long the machine may take for anything
)

// Rules that were only ever read by promtool may name a label that no process
// has: then nobody is woken. So a real Prometheus watches a live installation
// whose agents become slow and recover, an hour a minute. A window of five
// seconds wants a scrape each second: it is run on a machine that is not busy with
// other tests, by `make prometheus`.
func TestPrometheusSeesSlowAgents(t *testing.T) {
	t.Parallel()
	tool := os.Getenv(prometheusEnv)
	if tool == "" {
		t.Skip(prometheusEnv + " names no prometheus: `make prometheus` does")
	}
	h := newHouse(t)
	h.redis, h.dial = stacktest.Redis(t), 50
	for _, mode := range []string{"worker", "api"} {
		_, err := h.tryStart(mode, "INBOXD_META_PAIR_INTERVAL=100ms")
		require.NoError(t, err)
	}
	h.furnish()
	c := h.operator()
	target := slaTarget.Milliseconds()
	_, err := c.SetSLAPolicy(t.Context(), admin.SLAPolicySet{Org: "acme", TargetMS: &target})
	require.NoError(t, err)
	p := startPrometheus(t, tool, h.scraped(t, 2))

	agents := h.employ(12)
	p.await(`org_id:inboxd_sla_missed:ratio_rate5m{org_id="acme"} == 0`)
	require.NotContains(t, p.firing(), "InboxdSLABurnsFast", "everybody is answered at once")
	agents.slow.Store(true)
	require.Eventually(t, func() bool { return slices.Contains(p.firing(), "InboxdSLABurnsFast") }, monitored, 200*time.Millisecond)
	p.await(`inbox_sla_compliance_rate{org_id="acme"} < 1`) // counted every 30 s
	p.hasEveryRule()
	p.answersDashboards()
	agents.slow.Store(false)
	require.Eventually(t, func() bool { return !slices.Contains(p.firing(), "InboxdSLABurnsFast") }, monitored, 200*time.Millisecond)
	agents.dismiss()
}

// scraped are the metrics listeners of the processes, as they have registered.
func (h *house) scraped(t *testing.T, n int) (targets []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), h.dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	require.EventuallyWithT(t, func(t *collect) {
		rows, err := conn.Query(context.Background(), `SELECT split_part(metrics_url, '/', 3) FROM workers WHERE dead_at IS NULL`)
		require.NoError(t, err)
		targets, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Len(t, targets, n)
	}, patience, 50*time.Millisecond)
	return targets
}

// staff are agents who answer customers that keep writing.
type staff struct {
	slow atomic.Bool // from the next question on
	quit chan struct{}
	done sync.WaitGroup
}

// employ lets n customers write every few seconds, and be answered at once.
func (h *house) employ(n int) *staff {
	h.t.Helper()
	s := &staff{quit: make(chan struct{})}
	h.t.Cleanup(s.dismiss)
	for i := range n {
		who := fmt.Sprint(12025550200 + i)
		conversation := h.customer(waNumber, who, "hello?")
		s.done.Go(func() {
			for s.serve(h, conversation) {
				_, _ = h.sim.Inbound(waNumber, metasim.Contact{UserID: "US." + who, WaID: who}, "and now?") // it keeps writing
			}
		})
	}
	return s
}

// serve answers one question and reports whether there will be another.
func (s *staff) serve(h *house, conversation string) bool {
	slow := s.slow.Load()
	for waiting := false; !waiting; {
		if !s.pause(50 * time.Millisecond) {
			return false
		}
		_, raw, err := h.tryCall(http.MethodGet, "/v1/conversations/"+conversation, "")
		waiting = err == nil && regexp.MustCompile(`"due_at":"`).Match(raw)
	}
	if slow && !s.pause(answering) {
		return false
	}
	_, _, _ = h.tryCall(http.MethodPost, "/v1/conversations/"+conversation+"/messages", `{"text":"soon"}`) // one that is refused is late
	// A provider's times are whole seconds: the next question must not seem to come
	// before this answer.
	if slow {
		return s.pause(answering / 2)
	}
	return s.pause(answering)
}

func (s *staff) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-s.quit:
		return false
	}
}

func (s *staff) dismiss() {
	select {
	case <-s.quit:
	default:
		close(s.quit)
	}
	s.done.Wait()
}

// monitor is a real Prometheus.
type monitor struct {
	t     *testing.T
	url   string
	rules string // the recording rules it runs
}

// startPrometheus runs one until the test ends.
func startPrometheus(t *testing.T, tool string, targets []string) *monitor {
	t.Helper()
	dir, m := t.TempDir(), &monitor{t: t}
	for _, name := range []string{"recording.yml", "alerts.yml"} {
		raw, err := os.ReadFile("../configs/prometheus/rules/" + name)
		require.NoError(t, err)
		rules := hasten(string(raw))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(rules), 0o600))
		if name == "recording.yml" {
			m.rules = rules
		}
	}
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q, %q]
scrape_configs: [{job_name: inboxd, static_configs: [{targets: ["%s"]}]}]
`, filepath.Join(dir, "recording.yml"), filepath.Join(dir, "alerts.yml"), strings.Join(targets, `", "`))
	file := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	for try := range 5 { // somebody else may take the port first
		if m.run(tool, file, filepath.Join(dir, strconv.Itoa(try))) {
			return m
		}
	}
	t.Fatal("prometheus does not start")
	return nil
}

func (m *monitor) run(tool, config, data string) bool {
	m.t.Helper()
	port, err := (&net.ListenConfig{}).Listen(m.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(m.t, err)
	address := port.Addr().String()
	require.NoError(m.t, port.Close())
	m.url = "http://" + address
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, tool, "--config.file="+config, "--storage.tsdb.path="+data, "--web.listen-address="+address, "--log.level=error")
	var said logs
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(m.t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop := func() { cancel(); <-ended }
	for began := time.Now(); time.Since(began) < patience; {
		if _, err := m.get("/-/ready", nil); err == nil {
			m.t.Cleanup(stop)
			return true
		}
		select {
		case <-ended:
			m.t.Log(said.String())
			stop()
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	stop()
	m.t.Log(said.String())
	return false
}

// hasten makes every window and every "for" of rules shorter.
func hasten(rules string) string {
	window := regexp.MustCompile(`(\[|for: )(\d+)([smhd])\b`)
	return window.ReplaceAllStringFunc(rules, func(found string) string {
		parts := window.FindStringSubmatch(found)
		n, _ := strconv.Atoi(parts[2])
		seconds := n * map[string]int{"s": 1, "m": 60, "h": 3600, "d": 86400}[parts[3]]
		return parts[1] + strconv.Itoa(max(1, seconds/faster)) + "s"
	})
}

func (m *monitor) get(path string, query url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, resp.Status)
	}
	if path != "/-/ready" {
		err = json.NewDecoder(resp.Body).Decode(&answer)
	}
	return answer.Data, err
}

// query returns the values of an expression that are numbers, now.
func (m *monitor) query(expression string) (values []string, err error) {
	raw, err := m.get("/api/v1/query", url.Values{"query": {expression}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expression, err)
	}
	var data struct {
		Result []struct {
			Value [2]any `json:"value"`
		} `json:"result"`
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, err
	}
	for _, r := range data.Result {
		if v := fmt.Sprint(r.Value[1]); v != "NaN" {
			values = append(values, v)
		}
	}
	return values, nil
}

// await waits until an expression has a value.
func (m *monitor) await(expression string) {
	m.t.Helper()
	require.EventuallyWithT(m.t, func(t *collect) {
		values, err := m.query(expression)
		require.NoError(t, err)
		require.NotEmpty(t, values)
	}, monitored, 200*time.Millisecond, "%s", expression)
}

// firing are the names of the alerts that fire now.
func (m *monitor) firing() []string {
	raw, err := m.get("/api/v1/alerts", nil)
	if err != nil {
		return []string{"prometheus does not answer"}
	}
	var data struct {
		Alerts []struct {
			State  string            `json:"state"`
			Labels map[string]string `json:"labels"`
		} `json:"alerts"`
	}
	if json.Unmarshal(raw, &data) != nil {
		return []string{"prometheus does not speak"}
	}
	names := map[string]bool{}
	for _, a := range data.Alerts {
		if a.State == "firing" {
			names[a.Labels["alertname"]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// hasEveryRule fails if a recording rule has no data: it names what is not there.
func (m *monitor) hasEveryRule() {
	m.t.Helper()
	rules := regexp.MustCompile(`(?m)record: (\S+)$`).FindAllStringSubmatch(m.rules, -1)
	require.Greater(m.t, len(rules), 10)
	for _, rule := range rules {
		m.await(rule[1])
	}
}

// quiet are what no panel need show: what did not happen here.
var quiet = regexp.MustCompile(`job_retry_count|inboxd_(recalls|claims_denied|workers_lost)_total|^sum by \(action\) \(rate\(inbox_rate_limit_hits\{org|^job_type_status:.*dead|status="dead"`)

// answersDashboards fails if a panel would be empty although there is traffic.
func (m *monitor) answersDashboards() {
	m.t.Helper()
	with := strings.NewReplacer("$__rate_interval", "10s", "$queue", "whatsapp", "$org", "acme", "$job_type", "send_message", "[5m]", "[10s]", "[15m]", "[15s]", "[1h]", "[60s]")
	for _, name := range []string{"fleet", "org"} {
		raw, err := os.ReadFile("../configs/grafana/dashboards/" + name + ".json")
		require.NoError(m.t, err)
		var board struct {
			Panels []struct {
				Title   string `json:"title"`
				Targets []struct {
					Expr string `json:"expr"`
				} `json:"targets"`
			} `json:"panels"`
		}
		require.NoError(m.t, json.Unmarshal(raw, &board))
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				if quiet.MatchString(target.Expr) {
					_, err := m.query(with.Replace(target.Expr))
					require.NoError(m.t, err, p.Title)
					continue
				}
				m.await(with.Replace(target.Expr))
			}
		}
	}
}
