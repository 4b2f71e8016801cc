package ledger

import (
	"encoding/json"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// nullableClaimed scans claimedColumns of a row that may be all null.
type nullableClaimed struct {
	id, org, user, serial, subject, channel                 *int64
	epoch                                                   *int32
	queue, kind, priority, lane                             *int16
	attempt, limit, throttled                               *int
	createdAt, readyAt, dispatchedAt, startedAt, deadlineAt *time.Time
	args                                                    json.RawMessage
}

func (n *nullableClaimed) fields() []any {
	return []any{
		&n.id, &n.epoch, &n.org, &n.user, &n.queue, &n.kind, &n.priority, &n.lane, &n.attempt,
		&n.limit, &n.throttled, &n.serial, &n.subject, &n.channel, &n.createdAt, &n.readyAt, &n.dispatchedAt, &n.startedAt, &n.deadlineAt, &n.args,
	}
}

func (n *nullableClaimed) claimed() job.Claimed {
	c := job.Claimed{
		ID: *n.id, Epoch: *n.epoch, OrgID: *n.org, UserID: *n.user,
		Queue: job.Queue(*n.queue), Type: job.Type(*n.kind), Priority: job.Priority(*n.priority), Lane: job.Lane(*n.lane),
		Attempt: *n.attempt, MaxAttempts: *n.limit, Throttled: *n.throttled, SerialKey: *n.serial, SubjectID: *n.subject, ChannelID: *n.channel,
		CreatedAt: *n.createdAt, ReadyAt: *n.readyAt, DispatchedAt: *n.dispatchedAt, StartedAt: *n.startedAt, Deadline: *n.deadlineAt, Args: n.args,
	}
	untrace(&c)
	return c
}
