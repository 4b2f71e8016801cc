package adminapi

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// Revealer returns the message that a job sends, and records who has read it: no
// record, no message.
type Revealer interface {
	Reveal(ctx context.Context, orgID, jobID, messageID int64) (inbox.Message, error)
}

// revealing reads whether the caller wants to see what the job sends.
func revealing(c *call) (bool, error) {
	switch word := c.query.Get("reveal"); word {
	case "", "false":
		if c.query.Has("reason") {
			return false, inbox.Faultf(inbox.Invalid, "bad_reason", "a reason goes with reveal=true only")
		}
		return false, nil
	case "true":
		return true, nil
	default:
		return false, inbox.Faultf(inbox.Invalid, "bad_reveal", "reveal %q is neither true nor false", word)
	}
}

// mayReveal is asked before the job is: a viewer learns nothing more.
func (h *handler) mayReveal(c *call) error {
	c.reason = c.query.Get("reason")
	switch {
	case !c.caller.role.Allows(admin.Operator):
		return inbox.Faultf(inbox.Forbidden, "role", "revealing what a job sends needs the role %s, and %s is only %s", admin.Operator, c.caller.name, c.caller.role)
	case len(c.reason) > admin.MaxReason:
		c.reason = ""
		return inbox.Faultf(inbox.Invalid, "bad_reason", "the reason is longer than %d bytes", admin.MaxReason)
	case h.Revealer == nil:
		return inbox.Faultf(inbox.Unprocessable, "not_available", "this server cannot reveal what jobs send")
	}
	return nil
}

// reveal fills in what the job sends.
func (h *handler) reveal(ctx context.Context, c *call, j inspect.Job, r *admin.Revealed) error {
	if (j.Type != job.SendMessage && j.Type != job.SendTemplate) || j.SubjectID == 0 {
		return inbox.Faultf(inbox.Conflict, "nothing_to_reveal", "job %d is a %s: it sends no message", j.ID, j.Type)
	}
	ctx = h.begin(ctx, c, actionReveal)
	c.change.Reason = c.reason
	m, err := h.Revealer.Reveal(ctx, j.OrgID, j.ID, j.SubjectID)
	if err != nil {
		return err
	}
	if m.Kind != inbox.KindTemplate {
		r.Text = &m.Text
		return nil
	}
	var t struct {
		Name       string `json:"name"`
		Language   string `json:"language"`
		Components []any  `json:"components"`
	}
	if err := json.Unmarshal(m.Payload, &t); err != nil {
		return fmt.Errorf("read the template of message %d: %w", m.ID, err)
	}
	r.Template, r.Language, r.Components = word(t.Name), word(t.Language), t.Components
	return nil
}
