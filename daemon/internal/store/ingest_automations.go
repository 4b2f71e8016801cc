package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// startedClock is an SLA clock that a message of this webhook has started.
type startedClock struct {
	conversationID int64
	at             time.Time
}

// triggers reports whether the message may set off rules of its org: it is new,
// a customer's, waits for an answer, and is not so late that one would puzzle.
func (in *ingestion) triggers(m newMessage) bool {
	return m.id != 0 && m.inbound && !m.clockAt.IsZero() && len(m.waits) > 0 && in.now.Sub(m.at) <= automation.Stale
}

// timed reports whether a rule may wait for an answer to the message.
func (in *ingestion) timed(m newMessage) bool {
	return in.triggers(m) && slices.ContainsFunc(m.waits, func(w int32) bool { return w > 0 })
}

// automationJob is the job that runs what a message sets off.
func automationJob(m newMessage) job.New {
	return job.New{
		OrgID: m.orgID, Queue: job.Automations, Type: job.RunAutomation, Priority: job.Normal,
		SerialKey: m.conversationID, SubjectID: m.id, ChannelID: m.channelID, Trace: m.from.parent(),
	}
}

// trigger makes the jobs of the messages that may set off rules. The
// conversations are locked.
func (in *ingestion) trigger(ctx context.Context, u *unit) error {
	var jobs []job.New
	for _, m := range in.fresh {
		if in.triggers(m) && slices.Contains(m.waits, 0) {
			jobs = append(jobs, automationJob(m))
			m.from.applied.Automations++
		}
	}
	return in.insertAutomations(ctx, u, jobs)
}

func (in *ingestion) insertAutomations(ctx context.Context, u *unit, jobs []job.New) error {
	if len(jobs) == 0 {
		return nil
	}
	_, err := in.store.jobs.Insert(ctx, u.tx, jobs...)
	return err
}

// queueStart starts clocks; if rules wait for answers it notes which.
func (in *ingestion) queueStart(b *pgx.Batch, clocks []int64) {
	q := b.Queue(startClocksSQL(conversationsGiven), clocks)
	if !slices.ContainsFunc(in.fresh, in.timed) {
		return
	}
	q.Query(func(rows pgx.Rows) error {
		var c startedClock
		_, err := pgx.ForEachRow(rows, []any{&c.conversationID, &c.at}, func() error {
			in.started = append(in.started, c)
			return nil
		})
		return err
	})
}

// wait makes the jobs that look, minutes after a clock has started, whether
// anybody has answered. Only the statements in b tell which clocks start, so it
// sends them; the batch it returns is the one to commit.
func (in *ingestion) wait(ctx context.Context, u *unit, b *pgx.Batch) (*pgx.Batch, error) {
	if !slices.ContainsFunc(in.fresh, in.timed) {
		return b, nil
	}
	if err := u.send(ctx, b); err != nil {
		return nil, fmt.Errorf("apply: %w", err)
	}
	jobs, err := in.timers()
	if err != nil {
		return nil, err
	}
	return u.batch(), in.insertAutomations(ctx, u, jobs)
}

func (in *ingestion) timers() (jobs []job.New, err error) {
	for _, c := range in.started {
		place := slices.IndexFunc(in.fresh, func(m newMessage) bool {
			return in.timed(m) && m.conversationID == c.conversationID && m.clockAt.Truncate(time.Microsecond).Equal(c.at)
		})
		if place < 0 {
			continue // an older message's: somebody's answer turned out to be none
		}
		m := in.fresh[place]
		for _, minutes := range m.waits {
			if minutes == 0 {
				continue
			}
			j := automationJob(m)
			if j.Args, err = json.Marshal(automation.Timer{Minutes: int(minutes)}); err != nil {
				return nil, fmt.Errorf("encode timer: %w", err)
			}
			j.RunAt = c.at.Add(time.Duration(minutes) * time.Minute)
			j.Deadline = later(j.RunAt, in.now).Add(job.PolicyOf(j.Type).Deadline)
			jobs = append(jobs, j)
			m.from.applied.Automations++
		}
	}
	return jobs, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
