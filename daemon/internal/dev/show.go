package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// drainPoll is how often we ask whether all is done.
const drainPoll = 100 * time.Millisecond

// show is one play from its begin to its report.
type show struct {
	stage          *stage
	mark           Mark
	webhooksBefore metasim.WebhookStats
	inboundBefore  int64
	began          time.Time
	lasted         time.Duration
}

// lastInbound returns the number of the newest inbound message.
func lastInbound(sim *metasim.Sim) int64 { return sim.Stats().Inbound.Written }

// close waits for what is under way, at most the time for a drain, and reports.
func (w *show) close(ctx context.Context, agents *agents, stopWork func()) error {
	w.stage.say("%.1f s of traffic are over, draining", w.lasted.Seconds())
	bounded, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	stop := context.AfterFunc(bounded, stopWork)
	defer stop()
	agents.finish()
	if err := w.drain(bounded); err != nil {
		w.stage.say("not everything is done: %v", err)
	}
	report, err := w.report(ctx)
	if err != nil {
		return err
	}
	w.stage.journal.summary(w.stage.say)
	return w.stage.publish(report)
}

// drain returns when no job is under way and every webhook has got its 200.
// Jobs make webhooks and the other way round, so both are asked until both
// agree.
func (w *show) drain(ctx context.Context) error {
	var left int64
	for {
		err := w.stage.sim.Drain(ctx)
		if err == nil {
			left, err = w.stage.records.Unfinished(ctx, w.mark)
		}
		if err == nil && left == 0 && w.stage.sim.Stats().Webhooks.Pending == 0 {
			return nil
		}
		if !wait(ctx, drainPoll) {
			return errors.Join(fmt.Errorf("%d jobs are left", left), err)
		}
	}
}

// report collects the evidence and does the sums.
func (w *show) report(ctx context.Context) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s := w.stage
	e := evidence{
		lasted: w.lasted, accepted: s.journal.acceptances(), sends: s.sim.Sends(0), duplicates: s.sim.Duplicates(),
		webhooks: s.sim.Stats().Webhooks, webhooksBefore: w.webhooksBefore,
	}
	ids := make([]int64, 0, len(e.accepted))
	for _, a := range e.accepted {
		ids = append(ids, a.job)
	}
	var err error
	if e.unknownJobs, err = s.records.UnknownJobs(ctx, ids); err != nil {
		return Report{}, fmt.Errorf("look for lost jobs: %w", err)
	}
	if e.unknownInbound, err = s.records.UnknownInbound(ctx, acknowledged(s.sim.Inbounds(w.inboundBefore))); err != nil {
		return Report{}, fmt.Errorf("look for lost messages: %w", err)
	}
	if e.jobs, err = s.records.JobFigures(ctx, w.mark); err != nil {
		return Report{}, fmt.Errorf("read job figures: %w", err)
	}
	if e.inbox, err = s.records.InboxFigures(ctx, w.mark); err != nil {
		return Report{}, fmt.Errorf("read inbox figures: %w", err)
	}
	return e.report(), nil
}

// acknowledged returns the messages of which a webhook got 200: these must be
// stored.
func acknowledged(written []metasim.Inbound) []InboundKey {
	var keys []InboundKey
	for _, m := range written {
		if m.OKPosts > 0 {
			keys = append(keys, InboundKey{Kind: string(m.Kind), Account: m.Account, ProviderID: m.ProviderID})
		}
	}
	return keys
}

// publish prints the report and writes it to the file.
func (s *stage) publish(r Report) error {
	line, err := r.encode()
	if err != nil {
		return err
	}
	if s.options.Report != "" {
		if err := os.WriteFile(s.options.Report, line, 0o644); err != nil { //nolint:gosec // Figures are for everybody.
			return fmt.Errorf("write report: %w", err)
		}
	}
	_, err = s.options.Stdout.Write(line)
	return err
}
