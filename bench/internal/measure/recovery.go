package measure

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bandeja/inboxd/daemon/bench/internal/gauge"
	"github.com/bandeja/inboxd/daemon/bench/internal/peer"
	"github.com/bandeja/inboxd/daemon/bench/internal/report"
	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// VictimCommand is what makes this program a worker that is going to be killed:
// its arguments are the contender and where its servers are.
const VictimCommand = "victim"

const (
	victimJobs = 20
	settleIn   = 5 * time.Second // for the other worker to be there
)

// Recovery kills a worker in the middle of its jobs and measures when another
// has begun each of them again.
func Recovery(ctx context.Context, b *Bench) ([]*report.Table, error) {
	t := &report.Table{
		Name: "recovery", Title: "After kill -9",
		Intro: fmt.Sprintf("A worker with %d jobs under way is killed; another one is there. Seconds until it has begun them again. Every contender with its "+
			"defaults; none is waited for longer than %s.", victimJobs, b.Plan.Patience),
		Columns: []report.Column{{Key: "p50", Title: "P50 s", Digits: 1}, {Key: "last", Title: "the last, s", Digits: 1}},
	}
	s, err := b.Rig.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	var g errgroup.Group // by the side of each other: they wait most of the time
	names := []string{"inboxd", "asynq", "river"}
	waits := make([][]time.Duration, len(names))
	for i, name := range names {
		t.Row(name)
		g.Go(func() (err error) { waits[i], err = b.killed(ctx, s, name); return err })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, name := range names {
		if len(waits[i]) < victimJobs {
			t.Row(name).Note = fmt.Sprintf("%d of %d after %s", len(waits[i]), victimJobs, b.Plan.Patience)
			continue
		}
		t.Add(name, "p50", gauge.At(waits[i], 0.5)/1000)
		t.Add(name, "last", gauge.At(waits[i], 1)/1000)
	}
	return []*report.Table{t}, nil
}

// contender is one of those that Recovery knows, doing what hold says.
func contender(name string, cold bool) (peer.Peer, error) {
	switch name {
	case "inboxd":
		return &peer.Inboxd{Redis: true, Dial: 50, Cold: cold}, nil
	case "asynq":
		return &peer.Asynq{}, nil
	case "river":
		return &peer.River{}, nil
	}
	return nil, fmt.Errorf("no contender is called %q", name)
}

// killed returns how long after the kill each job began again.
func (b *Bench) killed(ctx context.Context, s *rig.Servers, name string) (waits []time.Duration, err error) {
	p, err := contender(name, true)
	if err != nil {
		return nil, err
	}
	victim, err := b.startVictim(ctx, s, name)
	if err != nil {
		return nil, fmt.Errorf("victim of %s: %w", name, err)
	}
	var tally peer.Tally
	if err := p.Start(ctx, s, &tally); err != nil {
		return nil, errors.Join(err, victim.Process.Kill())
	}
	defer func() { err = errors.Join(err, p.Stop(context.WithoutCancel(ctx))) }()
	tally.Goal(victimJobs)
	if err := pause(ctx, settleIn); err != nil {
		return nil, err
	}
	if err := victim.Process.Kill(); err != nil {
		return nil, err
	}
	_ = victim.Wait() // it was killed: that is what this says
	died := time.Now()
	seen := 0
	for time.Since(died) < b.Plan.Patience && seen < victimJobs {
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
		for now := tally.Count(); seen < min(now, victimJobs); seen++ {
			waits = append(waits, time.Since(died))
		}
	}
	b.say("recovery: %s has begun %d of %d again after %s", name, seen, victimJobs, time.Since(died).Round(time.Second))
	return waits, nil
}

// startVictim starts the worker and returns when all its jobs are under way.
func (b *Bench) startVictim(ctx context.Context, s *rig.Servers, name string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, VictimCommand, name, s.DatabaseURL, s.RedisURL) //nolint:gosec // It is this program.
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.TrimSpace(lines.Text()) == "under way" {
				ready <- true
			}
		}
		ready <- false
	}()
	select {
	case ok := <-ready:
		if ok {
			return cmd, nil
		}
	case <-time.After(time.Minute):
	}
	return nil, errors.Join(errors.New("its jobs did not begin"), cmd.Process.Kill(), cmd.Wait())
}

// Victim takes jobs, says so, and holds them until it is killed.
func Victim(ctx context.Context, out io.Writer, args []string) error {
	if len(args) != 3 {
		return errors.New("victim CONTENDER DATABASE_URL REDIS_URL")
	}
	p, err := contender(args[0], false)
	if err != nil {
		return err
	}
	s, err := rig.Known(ctx, args[1], args[2])
	if err != nil {
		return err
	}
	var tally peer.Tally
	if err := p.Start(ctx, s, &tally); err != nil {
		return err
	}
	begun := tally.Hold(victimJobs)
	if err := p.Feed(ctx, victimJobs); err != nil {
		return err
	}
	<-begun
	_, _ = fmt.Fprintln(out, "under way")
	<-ctx.Done()
	return nil
}
