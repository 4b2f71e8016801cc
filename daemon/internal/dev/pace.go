package dev

import (
	"context"
	"time"
)

// pace calls do(0), do(1) ... on a fixed schedule, rate times per second, until
// ctx ends. The schedule does not wait for anybody: when do was slow, what is
// due is caught up at once. It returns the number of calls.
func pace(ctx context.Context, rate float64, do func(i int)) int {
	if rate <= 0 {
		<-ctx.Done()
		return 0
	}
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; ; i++ {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return i
		}
		if ctx.Err() != nil {
			return i // both were ready
		}
		do(i)
	}
}

// wait returns after d, false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
