package store

import (
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
