package faultstest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

const (
	appSecret  = "test-app-secret"
	secretKey  = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	slots      = 4 // per worker: few, so that there is always something waiting
	startLimit = 60 * time.Second
)

// rig is one installation: servers of its own, to be killed at will, the
// daemon's processes, the simulated Meta, and what customers and agents saw.
type rig struct {
	t       *testing.T
	name    string
	seed    uint64
	dir     string
	stack   *devstack.Stack
	spawner *devstack.Spawner
	sim     *metasim.Sim
	webhook *tap
	api     *process
	workers []*process
	base    string // URL of the public API
	pool    *pgxpool.Pool
	orgs    []*org
	journal *journal
}

// newRig starts everything and furnishes it; it ends with the test.
func newRig(t *testing.T, name string, seed uint64) *rig {
	t.Helper()
	r := &rig{
		t: t, name: name, seed: seed, spawner: devstack.NewSpawner(), journal: newJournal(),
		stack: stacktest.Start(t, devstack.Options{Redis: true, Durable: true}),
	}
	r.makeDir()
	t.Cleanup(r.clear)
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	require.NoError(t, store.Migrate(ctx, r.stack.DatabaseURL))
	var err error
	r.pool, err = pgxpool.New(ctx, r.stack.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(r.pool.Close)
	r.simulate()
	r.launch()
	r.awaitAPI(ctx)
	r.furnish(ctx)
	return r
}

// makeDir makes a directory for logs and sockets; a socket path has 107 bytes.
func (r *rig) makeDir() {
	r.t.Helper()
	var err error
	r.dir, err = os.MkdirTemp("", "inboxd")
	require.NoError(r.t, err)
}

// clear removes the logs, after showing their ends if the test has failed.
func (r *rig) clear() {
	r.spawner.Close()
	if keep := os.Getenv("INBOXD_FAULT_LOGS"); keep != "" {
		r.t.Logf("logs of %s: %v", r.name, errors.Join(os.RemoveAll(keep+"/"+r.name), os.CopyFS(keep+"/"+r.name, os.DirFS(r.dir))))
	}
	for _, p := range r.processes() {
		if r.t.Failed() {
			r.t.Logf("%s of %s:\n%s", p.name, r.name, devstack.LogTail(p.command.LogPath))
		}
	}
	_ = os.RemoveAll(r.dir)
}

func (r *rig) simulate() {
	r.t.Helper()
	var err error
	r.sim, err = metasim.New(metasim.Options{AppSecret: appSecret, Seed: r.seed, Settings: metasim.Settings{
		Response: metasim.Span{MinMS: 50, MaxMS: 350}, Sent: metasim.Span{MinMS: 10, MaxMS: 80},
		Delivered: metasim.Span{MinMS: 50, MaxMS: 400}, Read: metasim.Span{MinMS: 200, MaxMS: 2000}, ReadShare: 0.5,
		EarlyShare: 0.02, Webhook: metasim.Span{MinMS: 5, MaxMS: 120}, DuplicateShare: 0.03, ReorderShare: 0.1, BatchWaitMS: 20,
		RetryMaxMS: 1000,
	}})
	require.NoError(r.t, err)
	require.NoError(r.t, r.sim.Start(r.t.Context()))
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		require.NoError(r.t, r.sim.Stop(ctx))
	})
	for _, rule := range []metasim.Rule{
		{Kind: metasim.WhatsApp, Share: 0.02, Effect: metasim.Answer, Fixture: "whatsapp/err_131000_something_went_wrong"},
		{Share: 0.01, Effect: metasim.DropAnswer},
		{Share: 0.005, Effect: metasim.CloseEarly},
	} {
		_, err := r.sim.AddRule(rule)
		require.NoError(r.t, err)
	}
}

// environ are the settings all processes share.
func (r *rig) environ() []string {
	return []string{
		"INBOXD_METRICS_LISTEN=127.0.0.1:0", "INBOXD_META_APP_SECRET=" + appSecret, "INBOXD_META_VERIFY_TOKEN=verify",
		"INBOXD_SECRET_KEY=" + secretKey, "INBOXD_META_GRAPH_URL=" + r.sim.URL(), "INBOXD_META_INSTAGRAM_URL=" + r.sim.URL(),
		"INBOXD_DRAIN=5s", "INBOXD_DIAL=50", "INBOXD_META_PAIR_INTERVAL=100ms", "INBOXD_META_PAIR_BURST=45", "INBOXD_SLOTS=" + strconv.Itoa(slots),
	}
}

// offsets say how wrong the clock of each worker is.
func offsets() []string { return []string{"0s", "2m", "-2m"} }

// launch lets the processes go.
func (r *rig) launch() {
	r.t.Helper()
	port, err := devstack.FreePort(r.t.Context())
	require.NoError(r.t, err)
	listen := "127.0.0.1:" + strconv.Itoa(port)
	r.base = "http://" + listen
	r.api = r.mustProcess("api", "api", "INBOXD_LISTEN="+listen)
	for i, offset := range offsets() {
		r.workers = append(r.workers, r.mustProcess(fmt.Sprint("worker-", i+1), "worker", offsetEnv+"="+offset))
	}
	r.webhook = newTap(r.t, r.base)
	r.sim.SetWebhook(r.webhook.url()+"/webhooks/meta", appSecret)
}

func (r *rig) awaitAPI(ctx context.Context) {
	r.t.Helper()
	c := client(time.Second)
	defer c.CloseIdleConnections()
	require.NoError(r.t, untilDone(ctx, func(ctx context.Context) error { return get(ctx, c, r.base+"/readyz", "") }))
}

func (r *rig) mustProcess(name, mode string, more ...string) *process {
	r.t.Helper()
	p, err := r.newProcess(name, mode, more...)
	require.NoError(r.t, err)
	p.run()
	r.t.Cleanup(func() { require.NoError(r.t, p.end()) })
	return p
}

func (r *rig) processes() []*process {
	if r.api == nil {
		return nil
	}
	return append([]*process{r.api}, r.workers...)
}

// dice returns the source of one kind of chance, the same for the same seed.
func (r *rig) dice(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(r.seed, stream)) }

// untilDone repeats try until it succeeds, or ctx ends: then it returns the
// last error.
func untilDone(ctx context.Context, try func(ctx context.Context) error) error {
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if !wait(ctx, 50*time.Millisecond) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

func client(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second}}
}

// get returns nil for a 2xx.
func get(ctx context.Context, c *http.Client, url, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %d", url, resp.StatusCode)
	}
	return nil
}
