package screen

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// Jobs is the page of jobs. Its rows are not in the picture: they are asked for
// with the selector, a page at a time.
type Jobs struct {
	page[admin.Job]

	Selector admin.Selector
	Process  string    // only what this process runs; empty: any
	Next     string    // cursor of what comes after the rows; empty: nothing
	At       time.Time // when the first page has come
	first    int       // rows of the first page
	asked    int       // running jobs that a process's were looked for in
	now      time.Time
	story    admin.JobDetail // of the job under the cursor, or of one before
}

// NewJobs returns the view of jobs, the newest first.
func NewJobs() *Jobs {
	j := &Jobs{}
	j.page = page[admin.Job]{
		name: "Jobs", empty: "Asking the server.", pick: func(admin.Top) []admin.Job { return nil },
		list: list[admin.Job]{
			id: func(j admin.Job) string { return j.ID },
			text: func(j admin.Job) string {
				return j.ID + " " + j.Org + " " + j.Type + " " + j.State + " " + deref(j.User) + " " + deref(j.ErrorClass) + " " + deref(j.Error)
			},
			columns: jobColumns(false),
		},
	}
	j.detail = j.sheet
	return j
}

// jobColumns are the columns of jobs. Of those that run, for how long they do
// matters more than what went wrong before.
func jobColumns(running bool) []column[admin.Job] {
	type job = admin.Job
	errors, runs := 2, 5
	if running {
		errors, runs = 5, 0
	}
	return []column[job]{
		named("JOB", "id", 9, 0, 0, func(j job) string { return j.ID }, nil),
		named("ORG", "org", 10, 12, 0, func(j job) string { return j.Org }, nil),
		named("TYPE", "type", 14, 0, 1, func(j job) string { return j.Type }, nil),
		named("STATE", "state", 10, 0, 0, func(j job) string { return j.State }, jobState),
		number("TRY", "try", 5, 3, func(j job) *float64 { return new(float64(j.Attempt)) }, func(j job, _ theme.Glyphs) widget.Cell {
			if j.MaxAttempts == nil {
				return plain(fmt.Sprint(j.Attempt))
			}
			return plain(fmt.Sprintf("%d/%d", j.Attempt, *j.MaxAttempts))
		}),
		number("AGE", "age", 7, 0, func(j job) *float64 { return new(float64(j.AgeMS)) },
			func(j job, _ theme.Glyphs) widget.Cell { return plain(text.Millis(float64(j.AgeMS))) }),
		number("RUNS", "runs", 7, runs, ranMS, func(j job, g theme.Glyphs) widget.Cell { return millis(ranMS(j), g) }),
		named("ERROR", "error", 16, 44, errors, func(j job) string { return deref(j.ErrorClass) }, jobError),
		named("USER", "user", 8, 12, 4, func(j job) string { return deref(j.User) }, nil),
		named("PRIORITY", "", 11, 0, 6, func(j job) string { return j.Priority }, nil),
		named("LANE", "", 8, 0, 7, func(j job) string { return deref(j.Lane) }, nil),
	}
}

// ranMS is for how long a job that runs has done so; nil: it does not run.
func ranMS(j admin.Job) *float64 {
	if j.State != "running" || j.StartedAt == nil {
		return nil
	}
	now := j.CreatedAt.Add(time.Duration(j.AgeMS) * time.Millisecond)
	return new(max(float64(now.Sub(*j.StartedAt).Milliseconds()), 0))
}

func jobState(j admin.Job, _ theme.Glyphs) widget.Cell {
	switch j.State {
	case "dead", "uncertain":
		return widget.Cell{Text: j.State + "!", Role: theme.Crit}
	case "held":
		return widget.Cell{Text: j.State, Role: theme.Warn}
	}
	if j.State == "scheduled" && j.Attempt > 0 {
		return plain("retrying")
	}
	return plain(j.State)
}

func jobError(j admin.Job, _ theme.Glyphs) widget.Cell {
	s := deref(j.ErrorClass)
	if j.ErrorCode != nil {
		s += fmt.Sprintf(" %d", *j.ErrorCode)
	}
	return plain(s)
}

// sheet is the job under the cursor: its whole story once it is known.
func (j *Jobs) sheet(th theme.Theme, row admin.Job, width, height int) []string {
	if j.story.ID == row.ID && height > minBelow+4 {
		return JobStory(th, j.story, width)
	}
	g := th.Glyphs
	s := sheet{title: "job " + row.ID}
	s.add("type", plain(row.Type))
	s.add("state", jobState(row, g))
	s.add("queue", plain(row.Queue))
	s.add("org", plain(row.Org))
	s.add("user", plain(orUnknown(row.User, g)))
	s.add("created", plain(row.CreatedAt.UTC().Format("15:04:05Z")))
	if row.ProcessID != nil {
		s.add("process", plain(*row.ProcessID))
	}
	if ran := ranMS(row); ran != nil {
		s.add("runs for", plain(text.Millis(*ran)))
	}
	if row.Error != nil {
		s.note(theme.Plain, "%s", *row.Error)
	}
	s.note(theme.Dim, "Enter: its whole story")
	return s.draw(th, width)
}

// SetStory takes the story of the job under the cursor, for the pane.
func (j *Jobs) SetStory(d admin.JobDetail) { j.story = d }

// Untold returns the job whose story the pane is missing, "" for none.
func (j *Jobs) Untold(width int) string {
	if j.paned(width) && j.story.ID != j.cursor {
		return j.cursor
	}
	return ""
}

// Set keeps what was asked for; the picture has no jobs.
func (j *Jobs) Set(t admin.Top, now time.Time) { j.top, j.now = t, now }

// SetJobs takes an answer: a first page, or what comes after the rows there are.
func (j *Jobs) SetJobs(jobs []admin.Job, next string, more bool, now time.Time) {
	j.Next, j.now = next, now
	j.empty = "No job matches. Without a state only live jobs are shown: `:jobs state=done` shows finished ones."
	if j.Process != "" {
		j.empty = "Process " + j.Process + " runs nothing now."
		if !more {
			j.asked = 0
		}
		if j.asked += len(jobs); j.Next != "" {
			j.empty = "Process " + j.Process + " runs none" + ofNewest(j.asked) + "."
		}
		jobs = slices.DeleteFunc(slices.Clone(jobs), func(job admin.Job) bool { return deref(job.ProcessID) != j.Process })
	}
	if more {
		jobs = append(append([]admin.Job{}, j.all...), jobs...)
	} else {
		j.first, j.At = len(jobs), now
	}
	j.set(jobs, now)
}

// ofNewest says that older jobs run which were not looked at: a process's are
// chosen here, and the server lists the newest first.
func ofNewest(n int) string { return fmt.Sprintf(" of the %d newest that run", n) }

// Beyond reports whether the cursor or a mark is past the first page: asking for
// that again would lose it. On its last row one is on the way there.
func (j *Jobs) Beyond() bool {
	if len(j.all) <= j.first {
		return false
	}
	return slices.ContainsFunc(j.all[max(j.first-1, 0):], func(job admin.Job) bool { return job.ID == j.cursor }) ||
		slices.ContainsFunc(j.all[j.first:], func(job admin.Job) bool { return j.marks[job.ID] })
}

// Choose sets what is asked for: the jobs of a selector, of a process only what
// it runs.
func (j *Jobs) Choose(s admin.Selector, process string) {
	j.Selector, j.Process, j.columns, j.marks = s, process, jobColumns(process != ""), nil
	j.Next, j.empty = "", "Asking the server."
	j.all, j.first, j.order, j.inverse = nil, 0, 0, false
	if process != "" { // what has run longest first
		j.orderBy("runs", j.now)
	}
	j.set(nil, j.now)
}

// AtEnd reports whether the cursor is on the last row.
func (j *Jobs) AtEnd() bool { return len(j.rows) > 0 && j.cursor == j.id(j.rows[len(j.rows)-1]) }

// Selected returns the job under the cursor.
func (j *Jobs) Selected() (admin.Job, bool) { return j.selected() }

// Said is the order, and how many there are so far.
func (j *Jobs) Said(th theme.Theme, now time.Time) string {
	said := "newest first"
	if j.order > 0 {
		said = j.said(th, now)
	}
	switch {
	case j.Next != "" && j.Process != "":
		return fmt.Sprintf("%s  %d%s", said, len(j.all), ofNewest(j.asked))
	case j.Next != "":
		return fmt.Sprintf("%s  first %d", said, len(j.all))
	}
	return fmt.Sprintf("%s  %d", said, len(j.all))
}

// Clone returns a copy that may be changed.
func (j *Jobs) Clone() View {
	c := *j
	c.detail = c.sheet
	return &c
}

// JobStory draws a job and all that has happened to it, oldest first.
func JobStory(th theme.Theme, d admin.JobDetail, width int) []string {
	g := th.Glyphs
	line := func(segments ...widget.Segment) string { return widget.Line(th, width, "  ", segments...) }
	tries := fmt.Sprintf("try %d", d.Attempt)
	if d.MaxAttempts != nil {
		tries += fmt.Sprintf(" of %d", *d.MaxAttempts)
	}
	lines := []string{
		line(widget.Segment{Text: " job " + d.ID, Role: theme.Title}, widget.Segment{Text: d.Type}, widget.Segment{Text: "queue " + d.Queue}, widget.Segment{Text: d.Priority, Rank: 2}),
		line(widget.Segment{Text: " org " + d.Org}, widget.Segment{Text: "user " + orUnknown(d.User, g)},
			widget.Segment{Text: "state " + jobState(d.Job, g).Text, Role: jobState(d.Job, g).Role}, widget.Segment{Text: tries},
			widget.Segment{Text: "conversation " + orUnknown(d.ConversationID, g), Rank: 1}, widget.Segment{Text: "message " + orUnknown(d.MessageID, g), Rank: 2}),
		"",
		line(widget.Segment{Text: " " + clock(d.CreatedAt) + "  created"}),
	}
	for _, a := range d.Attempts {
		lines = append(lines, attemptLines(th, a, width)...)
	}
	if d.RunAt != nil && d.State == "scheduled" {
		lines = append(lines, line(widget.Segment{Text: " " + dayClock(*d.RunAt, d.CreatedAt) + "  next try"}))
	}
	if d.FinishedAt != nil {
		lines = append(lines, line(widget.Segment{Text: " " + clock(*d.FinishedAt) + "  " + d.State + " after " + text.Millis(float64(d.AgeMS))}))
	}
	if d.DeadlineAt != nil && d.FinishedAt == nil {
		lines = append(lines, "", line(widget.Segment{Text: " is given up at " + dayClock(*d.DeadlineAt, d.CreatedAt), Role: theme.Dim}))
	}
	return append(lines, revealed(th, d.Revealed, width)...)
}

// revealed is what a job sends, once somebody has asked for it.
func revealed(th theme.Theme, r admin.Revealed, width int) (lines []string) {
	if r.Template != nil {
		lines = append(lines, " template "+*r.Template+" "+deref(r.Language))
		for _, c := range r.Components {
			raw, _ := json.Marshal(c) // It came as JSON.
			lines = append(lines, Wrap("   ", string(raw), width)...)
		}
	}
	if r.Text != nil {
		lines = append(lines, Wrap(" ", *r.Text, width)...)
	}
	if len(lines) > 0 {
		lines = append([]string{"", th.Paint(theme.Title, " WHAT IT SENDS (that you read it is in the audit)")}, lines...)
	}
	return lines
}

func attemptLines(th theme.Theme, a admin.Attempt, width int) (lines []string) {
	g := th.Glyphs
	line := func(segments ...widget.Segment) { lines = append(lines, widget.Line(th, width, "  ", segments...)) }
	if a.StartedAt != nil {
		waited := ""
		if a.WaitMS != nil {
			waited = "waited " + text.Millis(float64(*a.WaitMS))
		}
		line(widget.Segment{Text: fmt.Sprintf(" %s  try %d started", clock(*a.StartedAt), a.Attempt)}, widget.Segment{Text: waited},
			widget.Segment{Text: "process " + orUnknown(a.ProcessID, g), Rank: 1}, widget.Segment{Text: "lane " + orUnknown(a.Lane, g), Rank: 2})
	}
	if a.EndedAt == nil {
		return lines
	}
	ran := ""
	if a.RunMS != nil {
		ran = "ran " + text.Millis(float64(*a.RunMS))
	}
	outcome := widget.Segment{Text: " " + clock(*a.EndedAt) + "  " + a.Outcome}
	if a.ErrorClass != nil {
		outcome.Text += " " + *a.ErrorClass
		outcome.Role = theme.Warn
	}
	if a.ErrorCode != nil {
		outcome.Text += fmt.Sprintf(" %d", *a.ErrorCode)
	}
	line(outcome, widget.Segment{Text: ran, Rank: 1})
	if a.Error != nil {
		line(widget.Segment{Text: "               " + *a.Error, Role: theme.Dim})
	}
	return lines
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }

// dayClock also says which day, where it is another one.
func dayClock(t, than time.Time) string {
	if t.UTC().Format(time.DateOnly) == than.UTC().Format(time.DateOnly) {
		return t.UTC().Format("15:04:05Z")
	}
	return t.UTC().Format("01-02 15:04:05Z")
}

func orUnknown(s *string, g theme.Glyphs) string {
	if s == nil || *s == "" {
		return g.Unknown
	}
	return *s
}
