package adminapi

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const (
	defaultPage = 50
	maxPage     = 1000
)

// listJobs pages by falling or rising id: the cursor is the last id seen. Its cost
// grows with the page, not with what was paged over.
func (h *handler) listJobs(ctx context.Context, c *call) (any, error) {
	s, err := admin.ParseSelector(c.query)
	if err != nil {
		return nil, err
	}
	f, err := h.filter(ctx, c.caller, s)
	if err != nil {
		return nil, err
	}
	limit, err := readLimit(c.query.Get("limit"))
	if err != nil {
		return nil, err
	}
	if err := readJobOrder(c.query, &f); err != nil {
		return nil, err
	}
	f.Limit = limit + 1
	jobs, err := h.Jobs.JobList(ctx, f)
	if err != nil {
		return nil, err
	}
	page := list(h, "jobs", []admin.Job(nil))
	if len(jobs) > limit {
		jobs = jobs[:limit]
		next := strconv.FormatInt(jobs[limit-1].ID, 10)
		page.Next = &next
	}
	for _, j := range jobs {
		if c.caller.orgID != 0 { // which process it was is not theirs to see
			j.WorkerID = 0
		}
		page.Items = append(page.Items, wireJob(j, h.Now()))
	}
	return page, nil
}

func readJobOrder(v url.Values, f *inspect.Filter) error {
	order := cmp.Or(v.Get("sort"), admin.JobSortNewest)
	if !slices.Contains(admin.JobSorts(), order) {
		return unknownWord(inbox.Invalid, "order", order, admin.JobSorts())
	}
	last, err := readCursor(v.Get("cursor"))
	if f.Oldest = order == admin.JobSortOldest; f.Oldest {
		f.After = last
	} else {
		f.Before = last
	}
	return err
}

func readLimit(raw string) (int, error) {
	if raw == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > maxPage {
		return 0, inbox.Faultf(inbox.Invalid, "bad_limit", "limit %q is not a number from 1 to %d", raw, maxPage)
	}
	return n, nil
}

func readCursor(raw string) (int64, error) {
	if raw == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || id <= 0 {
		return 0, inbox.Faultf(inbox.Invalid, "bad_cursor", "cursor %q is not one this server gave: use next of the page before", raw)
	}
	return id, nil
}

func (h *handler) showJob(ctx context.Context, c *call) (any, error) {
	id, err := parseID(c.path("id"))
	if err != nil {
		return nil, err
	}
	wanted, err := revealing(c)
	if err != nil {
		return nil, err
	}
	if wanted {
		if err := h.mayReveal(c); err != nil {
			return nil, err
		}
	}
	d, err := h.Jobs.Job(ctx, c.caller.orgID, id)
	if err != nil {
		return nil, err
	}
	if c.caller.orgID != 0 {
		d.WorkerID = 0
		for i := range d.Attempts {
			d.Attempts[i].WorkerID, d.Attempts[i].Host, d.Attempts[i].PID = 0, "", 0
		}
	}
	now := h.Now()
	detail := admin.JobDetail{Job: wireJob(d.Job, now), Attempts: make([]admin.Attempt, 0, len(d.Attempts)), Timeline: []admin.Moment{}}
	for _, a := range d.Attempts {
		detail.Attempts = append(detail.Attempts, wireAttempt(a, now))
	}
	if h.Life != nil {
		for _, m := range h.Life(d, now) {
			detail.Timeline = append(detail.Timeline, wireMoment(m))
		}
	}
	if wanted {
		if err := h.reveal(ctx, c, d.Job, &detail.Revealed); err != nil {
			return nil, err
		}
	}
	return one(h, "job", detail), nil
}

func wireJob(j inspect.Job, now time.Time) admin.Job {
	end := now
	if j.FinishedAt != nil {
		end = *j.FinishedAt
	}
	w := admin.Job{
		ID: strconv.FormatInt(j.ID, 10), Org: j.Org, User: word(j.User),
		Queue: j.Queue.String(), Type: j.Type.String(), State: j.Word(), Priority: j.Priority.String(),
		Attempt: j.Attempt, MaxAttempts: j.MaxAttempts, Lane: word(j.Lane.String()), ProcessID: idWord(j.WorkerID),
		ErrorClass: word(string(j.Class)), ErrorCode: j.ErrorCode, Error: word(j.Error), ErrorSig: word(j.Sig),
		AgeMS:     max(end.Sub(j.CreatedAt).Milliseconds(), 0),
		CreatedAt: j.CreatedAt, RunAt: j.RunAt, ReadyAt: j.ReadyAt, StartedAt: j.StartedAt,
		FinishedAt: j.FinishedAt, DeadlineAt: j.DeadlineAt,
	}
	switch j.Type {
	case job.SendMessage, job.SendTemplate:
		w.MessageID, w.ConversationID = idWord(j.SubjectID), idWord(j.SerialKey)
	case job.RunAutomation:
		w.ConversationID = idWord(j.SerialKey)
	case job.SyncSpend, job.RefreshToken:
	}
	return w
}

func wireAttempt(a inspect.Attempt, now time.Time) admin.Attempt {
	w := admin.Attempt{
		Attempt: a.Attempt, Epoch: int(a.Epoch), Outcome: a.Outcome, Lane: word(a.Lane.String()),
		ProcessID: idWord(a.WorkerID), Host: word(a.Host),
		ErrorClass: word(string(a.Class)), ErrorCode: a.ErrorCode, Error: word(a.Error),
		ReadyAt: a.ReadyAt, StartedAt: a.StartedAt, EndedAt: a.EndedAt,
		WaitMS: between(a.ReadyAt, a.StartedAt), RunMS: between(a.StartedAt, a.EndedAt),
	}
	if a.PID != 0 {
		w.PID = &a.PID
	}
	if a.EndedAt == nil {
		w.RunMS = between(a.StartedAt, &now)
	}
	return w
}

func wireMoment(m inspect.Moment) admin.Moment {
	w := admin.Moment{At: m.At, Event: m.Event, Who: word(m.Who), Text: m.Text}
	if m.Took != nil {
		ms := m.Took.Milliseconds()
		w.TookMS = &ms
	}
	return w
}

func between(from, to *time.Time) *int64 {
	if from == nil || to == nil {
		return nil
	}
	ms := max(to.Sub(*from).Milliseconds(), 0)
	return &ms
}

// word is null for what there is none of.
func word(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func idWord(id int64) *string {
	if id == 0 {
		return nil
	}
	return word(strconv.FormatInt(id, 10))
}
