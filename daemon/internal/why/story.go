package why

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// lateBeat is the age of a beat that is no sign of life.
const lateBeat = 20 * time.Second

// dispatched jobs wait in a lane for a free slot.
func (v *view) dispatched() {
	by := "by Redis"
	if v.Lane == job.LanePostgres {
		by = "by PostgreSQL"
	}
	v.add(inspect.Cause{Code: "handed_out", Since: v.DispatchedAt, Text: "it was handed out " + by + " and waits for a free slot; if nobody starts it within half a minute it is taken back and handed out anew"})
	v.processes()
	v.holds()
}

// running jobs are held by nothing but their own work.
func (v *view) running() {
	where := "a process that is gone"
	if p := v.Process; p != nil {
		if where = fmt.Sprintf("%s:%d (process %d)", p.Host, p.PID, p.ID); v.bound {
			where = "a live process"
		}
		if p.BeatAge > lateBeat {
			where += fmt.Sprintf(", silent for %s: it will be declared dead and the job taken over", p.BeatAge.Round(time.Second))
		}
	}
	v.add(inspect.Cause{Code: "running", Since: v.StartedAt, Until: v.timeout(), Text: fmt.Sprintf("attempt %d runs on %s", v.Attempt, where)})
	if v.CancelRequested {
		v.add(inspect.Cause{Code: "cancel_requested", Text: "it has been asked to stop: it ends done, cancelled or uncertain, whatever is true"})
	}
}

func (v *view) timeout() *time.Time {
	if v.StartedAt == nil {
		return nil
	}
	return in(*v.StartedAt, job.PolicyOf(v.Type).Timeout)
}

// uncertain jobs wait for the truth.
func (v *view) uncertain() {
	text := "nobody knows whether it was sent (" + v.trouble() + "); it is never sent again by itself: look at the customer's side, then settle it with --sent, --not-sent or --resend"
	if v.Queue == job.WhatsApp {
		text = "nobody knows whether it was sent (" + v.trouble() + "); Meta's status webhook settles it, or you do with --sent, --not-sent or --resend; it is never sent again by itself"
	}
	v.hold(inspect.Cause{Code: "uncertain", Since: v.StartedAt, Text: text, Command: fmt.Sprintf("inboxctl jobs show %d", v.ID)})
}

// dead jobs wait for an operator.
func (v *view) dead() {
	c := inspect.Cause{Code: "dead", Since: v.StartedAt, Command: fmt.Sprintf("inboxctl jobs retry %d", v.ID)}
	c.Text = fmt.Sprintf("it was given up at attempt %d (%s)", v.Attempt, v.trouble())
	if advice := adviceOn(v.Class); advice != "" {
		c.Text += "; " + advice
		if strings.HasSuffix(advice, "fails again") {
			c.Command = fmt.Sprintf("inboxctl jobs show %d", v.ID)
		}
	}
	v.hold(c)
	v.failures()
}

// adviceOn is what to do before a retry makes sense.
func adviceOn(c job.Class) string {
	switch c {
	case job.ClassWindowClosed:
		return "the customer must write first, or a template be sent: a retry fails again"
	case job.ClassAuth:
		return "give the channel a working token first"
	case job.ClassBilling:
		return "the business must settle its account with Meta first"
	case job.ClassTemplateInvalid, job.ClassTemplatePaused:
		return "the template must be approved first"
	case job.ClassRecipientUnreachable, job.ClassRecipientBlocked, job.ClassRecipientOptedOut:
		return "the customer cannot be reached: a retry fails again"
	case job.ClassPermission, job.ClassConfig, job.ClassChannelDead:
		return "the channel's set-up at Meta must be repaired first"
	case job.ClassRequestInvalid, job.ClassMedia, job.ClassTooMuchData:
		return "the request itself is refused: a retry fails again"
	case job.ClassTransient, job.ClassNotSent, job.ClassUnknown, job.ClassThrottleNumber, job.ClassThrottleApp:
		return "a retry may well succeed now"
	case job.ClassPoison:
		return "it took worker processes down with it: look at their logs before a retry"
	default: // The others say all there is to say.
	}
	return ""
}

// finished jobs are held by nothing.
func (v *view) finished() {
	c := inspect.Cause{Code: v.Outcome.String(), Since: v.FinishedAt}
	switch v.Outcome {
	case job.Cancelled:
		c.Text = "it was cancelled (" + v.trouble() + "): it will not run"
	case job.Discarded:
		c.Text = "it was dead and has been discarded (" + v.trouble() + "): it will not run"
	case job.Done:
		c.Text = fmt.Sprintf("it is done, at attempt %d", v.Attempt)
	}
	if m := v.Message; m != nil && v.Outcome == job.Done {
		c.Text += "; its message is " + m.Status.String()
		if m.Status == inbox.Failed {
			c.Text += fmt.Sprintf(" (%s %s)", cmp.Or(string(m.Class), "failed"), m.Error)
		}
		if m.JobID != v.ID && m.JobID != 0 {
			c.Text += fmt.Sprintf(", and job %d sends it now", m.JobID)
		}
	}
	v.add(c)
}
