package store

import (
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// sending is a message that needs a job.
type sending struct {
	id, orgID, conversationID int64
	channelID                 int64
	authorID                  int64 // 0: nobody of ours
	channel                   inbox.ChannelKind
	kind                      inbox.MessageKind
	origin                    inbox.Origin
}

// job returns the job that sends the message: here alone is decided which
// queue, type and priority that is.
func (s sending) job() job.New {
	return job.New{
		OrgID: s.orgID, UserID: s.authorID, Queue: queueOf(s.channel), Type: jobType(s.kind), Priority: priorityOf(s.origin),
		SerialKey: s.conversationID, SubjectID: s.id, ChannelID: s.channelID,
	}
}

func queueOf(channel inbox.ChannelKind) job.Queue {
	if channel == inbox.Instagram {
		return job.Instagram
	}
	return job.WhatsApp
}

func jobType(kind inbox.MessageKind) job.Type {
	if kind == inbox.KindTemplate {
		return job.SendTemplate
	}
	return job.SendMessage
}

// priorityOf puts what a person waits for first and what a program sends to
// many last.
func priorityOf(origin inbox.Origin) job.Priority {
	switch origin {
	case inbox.OriginUser:
		return job.Interactive
	case inbox.OriginAutomation:
		return job.Normal
	case inbox.OriginAPI, inbox.OriginCustomer, inbox.OriginEcho:
	}
	return job.Bulk
}

// sendRow is an outbound message as it is stored.
type sendRow struct {
	outbound

	id, jobID, channelID int64
	trace                string // empty: it is not traced
}

// queueSends writes messages and moves their conversations, which are locked, in
// two statements. What a user sends can stop the SLA clock, at the time the user
// pressed send; what a program sends cannot.
func queueSends(b *pgx.Batch, now time.Time, rows []sendRow) {
	n := len(rows)
	ids, orgs, conversations, channels := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	authors, jobs, kinds, origins := make([]int64, n), make([]int64, n), make([]string, n), make([]string, n)
	texts, payloads, traces := make([]string, n), make([]*string, n), make([]string, n)
	for i, r := range rows {
		ids[i], orgs[i], conversations[i], channels[i] = r.id, r.orgID, r.conversationID, r.channelID
		authors[i], jobs[i], kinds[i], origins[i] = r.userID, r.jobID, string(r.kind), string(r.origin())
		texts[i], payloads[i], traces[i] = r.text, jsonText(r.payload), r.trace
	}
	b.Queue(`
INSERT INTO messages (id, org_id, conversation_id, channel_id, inbound, kind, status, origin, author_id, job_id, body, payload, created_at, clock_at, trace)
SELECT u.id, u.org_id, u.conversation_id, u.channel_id, false, u.kind, 0, u.origin, nullif(u.author_id, 0), u.job_id, u.body, u.payload::jsonb,
       $12, CASE WHEN u.author_id <> 0 THEN $12::timestamptz END, nullif(u.trace, '')
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
            $9::text[], $10::text[], $11::text[])
     AS u(id, org_id, conversation_id, channel_id, kind, origin, author_id, job_id, body, payload, trace)`,
		ids, orgs, conversations, channels, kinds, origins, authors, jobs, texts, payloads, traces, now)
	b.Queue(`
UPDATE conversations v SET last_message_at = greatest(v.last_message_at, $2) WHERE v.id = ANY($1::bigint[])`, unique(slices.Clone(conversations)), now)
}
