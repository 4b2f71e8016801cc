package peer

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

//go:embed bullmq/package.json bullmq/bench.mjs
var bullmqFiles embed.FS

// BullMQ runs in two Node.js processes, a feeder and a worker: one alone would
// have one of the two cores.
type BullMQ struct {
	Dir string // where its packages are installed

	redis          *redis.Client
	feeder, worker *exec.Cmd
	orders         io.WriteCloser
	fed            chan struct{}
}

// Facts implements Peer.
func (b *BullMQ) Facts() Facts {
	return Facts{
		Name: "BullMQ", Version: b.version(), Settings: "a feeder (addBulk by 1,000) and a worker (concurrency 200), a Node.js process each; finished jobs removed",
		Crash: "Redis lost (no AOF here): every job lost. Worker lost: its jobs run again after 30 to 60 s.",
	}
}

func (b *BullMQ) version() string {
	raw, err := bullmqFiles.ReadFile("bullmq/package.json")
	var p struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return "unknown"
	}
	return p.Dependencies["bullmq"]
}

// Install puts BullMQ's packages into Dir if they are not there.
func (b *BullMQ) Install(ctx context.Context) error {
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"package.json", "bench.mjs"} {
		raw, err := bullmqFiles.ReadFile("bullmq/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.Dir, name), raw, 0o600); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(b.Dir, "node_modules", "ioredis")); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--omit=dev")
	cmd.Dir = b.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install: %w: %s", err, out)
	}
	return nil
}

// Start implements Peer.
func (b *BullMQ) Start(ctx context.Context, s *rig.Servers, t *Tally) error {
	if err := b.Install(ctx); err != nil {
		return err
	}
	b.redis, b.fed = redis.NewClient(s.Redis), make(chan struct{}, 1)
	var err error
	if b.feeder, b.orders, err = b.node(s, "feeder", t); err != nil {
		return err
	}
	b.worker, _, err = b.node(s, "worker", t)
	return err
}

// node starts one process and returns when it is ready.
func (b *BullMQ) node(s *rig.Servers, role string, t *Tally) (*exec.Cmd, io.WriteCloser, error) {
	_, port, _ := strings.Cut(s.Redis.Addr, ":")
	cmd := exec.Command("node", "bench.mjs", role, port, strconv.Itoa(s.Redis.DB)) //nolint:noctx,gosec // Stop ends it, and these are ours.
	cmd.Dir, cmd.Stderr = b.Dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	ready := make(chan bool, 1)
	go b.listen(out, t, ready)
	select {
	case ok := <-ready:
		if ok {
			return cmd, in, nil
		}
	case <-time.After(20 * time.Second):
	}
	return nil, nil, errors.Join(fmt.Errorf("bullmq's %s does not start", role), cmd.Process.Kill(), cmd.Wait())
}

// listen reads what a process tells until it ends.
func (b *BullMQ) listen(out io.Reader, t *Tally, ready chan<- bool) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var word struct {
			Ready bool      `json:"ready"`
			Fed   int       `json:"fed"`
			Ran   int       `json:"ran"`
			Waits []float64 `json:"waits"` // milliseconds
		}
		if json.Unmarshal(lines.Bytes(), &word) != nil {
			continue
		}
		switch {
		case word.Ready:
			ready <- true
		case word.Fed > 0:
			b.fed <- struct{}{}
		default:
			waits := make([]time.Duration, len(word.Waits))
			for i, ms := range word.Waits {
				waits[i] = time.Duration(ms * float64(time.Millisecond))
			}
			t.Add(word.Ran, waits...)
		}
	}
	select {
	case ready <- false:
	default:
	}
}

// Feed implements Peer.
func (b *BullMQ) Feed(ctx context.Context, n int) error {
	if _, err := fmt.Fprintf(b.orders, "{\"feed\":%d}\n", n); err != nil {
		return err
	}
	select {
	case <-b.fed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Send implements Peer.
func (b *BullMQ) Send(_ context.Context, at time.Time) error {
	_, err := fmt.Fprintf(b.orders, "{\"send\":%.3f}\n", float64(at.UnixMicro())/1000)
	return err
}

// Settled implements Peer: jobs are counted when they are completed.
func (b *BullMQ) Settled(ctx context.Context) (bool, error) {
	return redisEmpty(ctx, b.redis, "bull:bench:wait", "bull:bench:active")
}

// PIDs implements Peer.
func (b *BullMQ) PIDs() []int { return []int{b.feeder.Process.Pid, b.worker.Process.Pid} }

// Stop implements Peer.
func (b *BullMQ) Stop(context.Context) error {
	for _, cmd := range []*exec.Cmd{b.feeder, b.worker} {
		if cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed: that is what this says
		}
	}
	return b.redis.Close()
}
