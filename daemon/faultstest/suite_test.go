package faultstest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	drainLimit   = 60 * time.Second // from the end of the faults until nothing is under way
	patience     = 2 * drainLimit   // how long we watch one that does not keep it
	warmUp       = 2 * time.Second
	actionsPerS  = 10
	rigsAtLength = 4
)

// One of each fault that takes something away, in about a minute. If this
// fails, a crash loses messages or sends them twice.
func TestFaultsBriefly(t *testing.T) {
	t.Parallel()
	o := ordeal(t, "brief", seedOf(t), plan{
		workerKilled: 1, apiKilled: 1, redisKilled: 1, redisFlushed: 1, postgresCrashed: 1, postgresReadOnly: 1,
	})
	require.Empty(t, o.texts())
}

// A hundred faults and more, several rigs side by side; it writes the table
// that docs/faults.md shows.
func TestFaultsAtLength(t *testing.T) {
	t.Parallel()
	path := os.Getenv("INBOXD_FAULT_TABLE")
	if path == "" {
		t.Skip("this is `make faults`")
	}
	seed := seedOf(t)
	whole := plan{
		workerKilled: 40, apiKilled: 15, redisKilled: 15, redisFlushed: 10, leasesLost: 5, postgresCrashed: 15, postgresReadOnly: 6, postgresDemoted: 2,
		workerFrozen: 6, workerCutOff: 4, redisSilent: 6, postgresSilent: 6, slowed: 8, postgresReply: 12, redisReply: 8,
	}
	outcomes := make([]*outcome, rigsAtLength)
	t.Cleanup(func() {
		outcomes = slices.DeleteFunc(outcomes, func(o *outcome) bool { return o == nil }) // it could not even begin
		require.NotEmpty(t, outcomes)
		table := tableOf(outcomes)
		t.Logf("\n%s", table)
		require.NoError(t, os.WriteFile(path, []byte(table), 0o644))
		require.Empty(t, slowRecoveries(outcomes))
	})
	for i := range rigsAtLength {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			outcomes[i] = ordeal(t, fmt.Sprint("rig-", i), seed+uint64(i), whole.share(i, rigsAtLength))
			require.Empty(t, outcomes[i].texts())
		})
	}
}

// seedOf returns the seed of all chance and prints it, so that a run can be
// repeated.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("INBOXD_FAULT_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64N(1_000_000)
	}
	t.Logf("seed %d: INBOXD_FAULT_SEED=%d repeats the run", seed, seed)
	return seed
}

// outcome is what came of one rig.
type outcome struct {
	rounds   []*round
	findings []finding
	accepted int
	sends    int
	inbound  int
}

// ordeal is one run: traffic, faults, quiet, and the look into the books.
func ordeal(t *testing.T, name string, seed uint64, p plan) *outcome {
	t.Helper()
	r := newRig(t, name, seed)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	f, crew := r.converse(ctx, actionsPerS), r.operate(ctx)
	wait(ctx, warmUp)
	o := &outcome{rounds: r.play(ctx, p, f)}
	f.end()
	crew.end(ctx)
	if err := r.drain(ctx); err != nil {
		o.findings = append(o.findings, found(otherwise, time.Time{}, "%v", err))
	}
	b, err := r.open(ctx)
	require.NoError(t, err)
	o.findings = append(o.findings, b.check(r.journal.accepted(), r.lives())...)
	o.findings = append(o.findings, b.checkPauses(crew.pauses)...)
	o.findings = append(o.findings, b.checkLimits(r.accounts(tight), crew.raised)...)
	o.findings = append(o.findings, r.checkAnswers()...)
	o.findings = append(o.findings, r.checkGauges(ctx)...)
	for _, one := range o.rounds {
		if one.err != nil {
			o.findings = append(o.findings, found(otherwise, one.began, "%s: %v", one.kind, one.err))
		}
	}
	o.accepted, o.sends, o.inbound = len(r.journal.accepted()), len(b.sends), len(b.inbound)
	t.Logf("%s: %s; %d sends, %d inbound, webhooks by status %v; operators %v", name, r.journal, o.sends, o.inbound,
		r.webhook.answers(), crew.acts)
	return o
}

// drain returns when nothing is under way and every webhook has got its 200.
func (r *rig) drain(ctx context.Context) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r.sim.RemoveRule(0)
	err := untilDone(ctx, func(ctx context.Context) error {
		if err := r.sim.Drain(ctx); err != nil {
			return err
		}
		var left int
		if err := r.pool.QueryRow(ctx, `SELECT count(*) FROM jobs WHERE state IN (0, 1, 2, 3)`).Scan(&left); err != nil {
			return err
		}
		if left > 0 || r.sim.Stats().Webhooks.Pending > 0 {
			return fmt.Errorf("%d jobs are under way", left)
		}
		return nil
	})
	took := time.Since(began)
	r.t.Logf("%s: drained in %s", r.name, took.Round(time.Millisecond))
	if err == nil && took > drainLimit {
		err = fmt.Errorf("it took %s until nothing was under way; the limit is %s", took, drainLimit)
	}
	return err
}

func (o *outcome) texts() (texts []string) {
	for _, f := range o.findings {
		texts = append(texts, f.text)
	}
	return texts
}
