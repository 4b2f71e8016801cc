package faultstest_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	longestPause  = 3 * time.Second
	overlapShare  = 0.3 // of faults do not wait for the end of the one before
	campaignShare = 0.7 // of faults hit a campaign; kills of workers always do
	campaignSize  = 40
)

// plan is how many rounds of each fault there are.
type plan map[kind]int

// share returns the part of a plan that rig i of n plays.
func (p plan) share(i, n int) plan {
	part := plan{}
	for k, rounds := range p {
		if mine := (rounds + n - 1 - i) / n; mine > 0 {
			part[k] = mine
		}
	}
	return part
}

// shuffled returns the rounds in an order of chance.
func (p plan) shuffled(dice *rand.Rand) (order []kind) {
	for _, k := range kinds() {
		for range p[k] {
			order = append(order, k)
		}
	}
	dice.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// play makes the faults of a plan happen, each at a random moment, most after
// the effects of the one before are over, and returns what became of each.
func (r *rig) play(ctx context.Context, p plan, f *traffic) []*round {
	var (
		rounds  []*round
		running sync.WaitGroup
		dice    = r.dice(2)
		strikes = r.strikes()
	)
	for i, k := range p.shuffled(dice) {
		wait(ctx, between(dice, 0, longestPause))
		if k == workerKilled || dice.Float64() < campaignShare {
			f.campaign(ctx, i*7, campaignSize)
			wait(ctx, between(dice, 100*time.Millisecond, time.Second))
		}
		one := &round{kind: k, began: time.Now()}
		rounds = append(rounds, one)
		recovered, err := strikes[k](ctx, dice)
		if one.err = err; err != nil || recovered == nil {
			one.over = time.Now()
			continue
		}
		running.Go(func() { one.await(ctx, recovered) })
		if dice.Float64() >= overlapShare {
			running.Wait()
		}
		r.t.Logf("%s: %d. %s", r.name, i+1, k)
	}
	running.Wait()
	disturb(rounds)
	return rounds
}

func (o *round) await(ctx context.Context, recovered recovery) {
	ctx, cancel := context.WithTimeout(ctx, recoveryLimit)
	defer cancel()
	from, to, err := recovered(ctx)
	switch {
	case err != nil:
		o.err = err
	case !to.IsZero():
		o.took = max(to.Sub(from), time.Millisecond)
	}
	o.over = time.Now()
}

// disturb marks the rounds that were not alone.
func disturb(rounds []*round) {
	for _, a := range rounds {
		a.disturbed = slices.ContainsFunc(rounds, func(b *round) bool {
			return a != b && a.began.Before(b.over) && b.began.Before(a.over)
		})
	}
}
