package tui

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// Recorder is a Source that writes each picture it passes on as a line of JSON.
// A recording has figures and names of orgs and agents, no customers and no
// texts.
type Recorder struct {
	Source

	mu     sync.Mutex
	out    io.Writer
	last   string    // epoch and number of the last picture
	past   time.Time // the last picture with a past
	failed error
}

// NewRecorder returns a Source that records what another one answers.
func NewRecorder(s Source, out io.Writer) *Recorder { return &Recorder{Source: s, out: out} }

// Top asks the source, and records the answer if it is a new one. The past is
// recorded once per step: it moves no faster.
func (r *Recorder) Top(ctx context.Context, series int) (admin.One[admin.Top], error) {
	answer, err := r.Source.Top(ctx, series)
	if err != nil {
		return answer, err //nolint:wrapcheck // The source's own words are for the operator.
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := answer.Item
	id := fmt.Sprint(t.Epoch, "/", t.Seq)
	if r.failed != nil || id == r.last {
		return answer, r.failed
	}
	r.last = id
	if t.Series != nil && t.GeneratedAt.Sub(r.past) < time.Duration(t.Series.StepMS)*time.Millisecond {
		t.Series = nil
	} else {
		r.past = t.GeneratedAt
	}
	raw, err := json.Marshal(t)
	if err == nil {
		_, err = r.out.Write(append(raw, '\n'))
	}
	if err != nil {
		r.failed = fmt.Errorf("write the recording: %w", err)
	}
	return answer, r.failed
}

// Player is a Source that plays a recording. It has a clock of its own, that of
// the recording: it stands while paused and runs at the speed that is set.
type Player struct {
	mu     sync.Mutex
	frames []admin.Top
	now    func() time.Time
	at     time.Time // in the recording, when since was
	since  time.Time
	speed  float64 // 0: paused
	before float64 // the speed before the pause
}

// mostLine bounds one picture of a recording.
const mostLine = 16 << 20

// NewPlayer reads a recording.
func NewPlayer(r io.Reader, now func() time.Time) (*Player, error) {
	p := &Player{now: now, since: now(), speed: 1}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, mostLine)
	for n := 1; lines.Scan(); n++ {
		var t admin.Top
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("line %d is no picture that --record wrote: %w", n, err)
		}
		p.frames = append(p.frames, t)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the recording: %w", err)
	}
	if len(p.frames) == 0 {
		return nil, errors.New("the recording is empty")
	}
	p.at = p.frames[0].GeneratedAt
	return p, nil
}

// Now is the time of the recording. It ends with the last picture.
func (p *Player) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock()
}

func (p *Player) clock() time.Time {
	at := p.at.Add(time.Duration(float64(p.now().Sub(p.since)) * p.speed))
	if end := p.frames[len(p.frames)-1].GeneratedAt; at.After(end) {
		return end
	}
	return at
}

// Pause stops the clock, or lets it go on.
func (p *Player) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.since = p.clock(), p.now()
	p.speed, p.before = p.before, p.speed
	if p.speed == 0 && p.before == 0 {
		p.speed = 1
	}
}

// Seek moves the clock, not beyond the recording.
func (p *Player) Seek(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.since = p.clock().Add(by), p.now()
	if first := p.frames[0].GeneratedAt; p.at.Before(first) {
		p.at = first
	}
}

// Speed multiplies how fast the clock runs, from a quarter to 64 times, and
// returns that.
func (p *Player) Speed(by float64) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.since = p.clock(), p.now()
	speed := &p.speed
	if p.speed == 0 {
		speed = &p.before
	}
	*speed = min(max(*speed*by, 0.25), 64)
	return *speed
}

// Top returns the picture of the moment.
func (p *Player) Top(context.Context, int) (admin.One[admin.Top], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, shown := p.clock(), p.frames[0]
	var series *admin.TopSeries
	for _, t := range p.frames {
		if t.GeneratedAt.After(at) {
			break
		}
		shown = t
		if t.Series != nil {
			series = t.Series
		}
	}
	shown.Series = series
	var own admin.Top // the caller cleans it in place
	raw, err := json.Marshal(shown)
	if err == nil {
		err = json.Unmarshal(raw, &own)
	}
	if err != nil {
		return admin.One[admin.Top]{}, fmt.Errorf("copy a picture: %w", err)
	}
	return admin.One[admin.Top]{Kind: "top", Item: own, AsOf: own.GeneratedAt}, nil
}

func notRecorded() error {
	return &admin.Error{Kind: admin.NotFound, Code: "not_recorded", Text: "a recording has no jobs and no operations"}
}

// Jobs are not recorded.
func (p *Player) Jobs(context.Context, admin.Selector, admin.Page) (admin.List[admin.Job], error) {
	return admin.List[admin.Job]{}, notRecorded()
}

// Job is not recorded.
func (p *Player) Job(context.Context, string) (admin.One[admin.JobDetail], error) {
	return admin.One[admin.JobDetail]{}, notRecorded()
}

// Why is not recorded.
func (p *Player) Why(context.Context, string) (admin.One[admin.JobWhy], error) {
	return admin.One[admin.JobWhy]{}, notRecorded()
}

// ErrorGroups are not recorded.
func (p *Player) ErrorGroups(context.Context, admin.Selector, admin.Page) (admin.List[admin.ErrorGroup], error) {
	return admin.List[admin.ErrorGroup]{}, notRecorded()
}

// Operations are not recorded.
func (p *Player) Operations(context.Context, []string, admin.Page) (admin.List[admin.Operation], error) {
	return admin.List[admin.Operation]{}, notRecorded()
}
