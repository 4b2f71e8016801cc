package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	drainTimeout = 30 * time.Second       // how long what is under way may take to end
	drainPoll    = 100 * time.Millisecond // how often we ask whether all is done
)

// finish waits for what is under way, at most the time for a drain, and
// reports.
func (r *run) finish(ctx context.Context, since baseline, lasted time.Duration, agents *agents, stopWork func()) error {
	r.say("%.1f s of traffic are over, draining", lasted.Seconds())
	bounded, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	stop := context.AfterFunc(bounded, stopWork)
	defer stop()
	agents.finish()
	if err := r.drain(bounded, since); err != nil {
		r.say("not everything is done: %v", err)
	}
	found, err := r.collect(ctx, since)
	if err != nil {
		return err
	}
	found.lasted = lasted
	r.journal.summary(r.say)
	report := found.report()
	r.say("%s", report.sentence())
	return r.publish(report)
}

// drain returns when no job is under way and every webhook has got its 200.
// Jobs make webhooks and the other way round, so both are asked until both
// agree.
func (r *run) drain(ctx context.Context, since baseline) error {
	var left int64
	for {
		err := r.sim.Drain(ctx)
		if err == nil {
			left, err = r.records.Unfinished(ctx, since.mark)
		}
		if err == nil && left == 0 && r.sim.Stats().Webhooks.Pending == 0 {
			return nil
		}
		if !wait(ctx, drainPoll) {
			return errors.Join(fmt.Errorf("%d jobs are left", left), err)
		}
	}
}

// publish prints the report and writes it to the file.
func (r *run) publish(report Report) error {
	line, err := report.encode()
	if err != nil {
		return err
	}
	if r.options.Report != "" {
		if err := os.WriteFile(r.options.Report, line, 0o644); err != nil { //nolint:gosec // Figures are for everybody.
			return fmt.Errorf("write report: %w", err)
		}
	}
	_, err = r.options.Stdout.Write(line)
	return err
}
